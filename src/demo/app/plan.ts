import type { SessionView } from 'lash-web';

/** A step of the plan that the worker's plugin `plan` keeps. */
export interface PlanStep {
  readonly text: string;
  readonly done: boolean;
}

/** The plan of a chat, where it has one. */
export function planOf({ plugins }: SessionView): readonly PlanStep[] {
  return (plugins['plan'] as { readonly steps: readonly PlanStep[] } | undefined)?.steps ?? [];
}
