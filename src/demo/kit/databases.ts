const PREFIX = 'lash-demo-kit-';

/** The name of a database that the kit throws away. */
export function kitDatabase(): string {
  return `${PREFIX}${crypto.randomUUID()}`;
}

/** Deletes the databases that runs of the kit have left, finished or not. */
export async function deleteKitDatabases(): Promise<void> {
  const databases = await indexedDB.databases();
  const names = databases.flatMap(({ name }) => (name?.startsWith(PREFIX) === true ? [name] : []));
  await Promise.all(names.map(deleteDatabase));
}

/** Deletes one database, once nobody is connected to it. */
export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.addEventListener('success', () => resolve());
    request.addEventListener('error', () => reject(request.error ?? new Error(`${name} was not deleted`)));
  });
}
