/** How a background task is doing. `completed`, `failed` and `cancelled` are final. */
export type BackgroundTaskState =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'completed'
  | 'failed'
  | 'cancel_requested'
  | 'cancelled';

/** One background task as its host knows it. Times are Unix milliseconds. */
export interface BackgroundTaskRecord {
  readonly id: string;
  readonly sessionId: string;
  readonly kind: 'monitor' | 'subagent' | 'observer' | 'other';
  readonly producer: string;
  readonly state: BackgroundTaskState;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What is needed to start keeping a task's record. */
export type BackgroundTaskRegistration = Pick<BackgroundTaskRecord, 'id' | 'sessionId' | 'kind' | 'producer'>;

/**
 * The socket of hosts that own background tasks. The runtime has no engine for them: an environment with such a host
 * can be built, and opening a session with it is refused with `Unsupported`.
 */
export interface BackgroundTaskHost {
  register(registration: BackgroundTaskRegistration): Promise<BackgroundTaskRecord>;
  complete(id: string, state: 'completed' | 'failed' | 'cancelled', summary?: string): Promise<void>;
  requestCancel(id: string, reason?: string): Promise<void>;
  list(sessionId: string): Promise<readonly BackgroundTaskRecord[]>;
}
