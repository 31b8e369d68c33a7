/** The lock that whoever runs the kit holds: one run at a time, in whatever tab. It goes with the worker. */
export const KIT_LOCK = 'lash-demo-kit';

/** What the page asks of the kit's worker: all suites on this browser's storage, or the suites on broken stores. */
export type KitTask = 'conformance' | 'mutants';

/** How one case ended. For mutants, it passed if a case failed it, which `detail` names. */
export interface KitResult {
  readonly suite: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'unchecked';
  readonly detail: string;
}

/** What the kit's worker says. `busy`: another tab runs the kit. */
export type KitMessage =
  | { readonly kind: 'plan'; readonly total: number }
  | { readonly kind: 'result'; readonly result: KitResult }
  | { readonly kind: 'busy' }
  | { readonly kind: 'done' };
