/** Every lock of the dead is free, soon after they died. */
export async function lockViolations(database: string): Promise<readonly string[]> {
  for (let tries = 0; ; tries++) {
    const { held = [] } = await navigator.locks.query();
    const left = held.filter((lock) => lock.name?.includes(`"${database}"`));
    if (left.length === 0) return [];
    if (tries === 1000) return [`the dead hold ${left.map((lock) => lock.name).join(', ')}`];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
