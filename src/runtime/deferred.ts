/** A promise that is settled from outside. Only the first `resolve` or `reject` counts. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;

  constructor() {
    let resolve: ((value: T) => void) | undefined;
    let reject: ((reason: unknown) => void) | undefined;
    this.promise = new Promise<T>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    this.resolve = (value) => resolve?.(value);
    this.reject = (reason) => reject?.(reason);
  }
}
