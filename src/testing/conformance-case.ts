/**
 * One rule that an implementation of a socket keeps. Cases are data and need no test runner: `run` rejects when the rule
 * is broken. A name begins with the law that it checks.
 */
export interface ConformanceCase<Context> {
  readonly name: string;
  /** Runs on a context of its own, with nothing stored in it. */
  readonly run: (context: Context) => Promise<void>;
}
