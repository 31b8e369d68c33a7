/** Does one step after the other, whatever any of them does. @throws what failed first */
export async function eachStep(steps: readonly (() => unknown)[]): Promise<void> {
  let failed: { readonly error: unknown } | null = null;
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failed ??= { error };
    }
  }
  if (failed !== null) throw failed.error;
}
