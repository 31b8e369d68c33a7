/**
 * All text that this origin keeps: keys and values of its databases (those whose names begin so), bytes and files read
 * as text, and its web storage. Stands on nothing outside of itself, so that it can be sent into a page.
 */
export async function storedText(databases: string): Promise<string> {
  const found: string[] = [];

  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('a request failed')));
    });

  const collect = async (value: unknown): Promise<void> => {
    if (typeof value === 'string') found.push(value);
    else if (value instanceof Blob) await collect(await value.arrayBuffer());
    else if (value instanceof ArrayBuffer) found.push(new TextDecoder().decode(value));
    else if (ArrayBuffer.isView(value)) {
      found.push(new TextDecoder().decode(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
        await collect(key);
        await collect(item);
      }
    } else found.push(String(value));
  };

  for (const { name } of await indexedDB.databases()) {
    if (name === undefined || !name.startsWith(databases)) continue;
    const database = await done(indexedDB.open(name));
    found.push(name);
    const stores = [...database.objectStoreNames];
    for (const store of stores) {
      const source = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([done(source.getAllKeys()), done(source.getAll())]);
      await collect([...keys, ...(values as readonly unknown[])]);
    }
    database.close();
  }
  for (const storage of [localStorage, sessionStorage]) await collect(new Map(Object.entries(storage)));
  return found.join('\n');
}
