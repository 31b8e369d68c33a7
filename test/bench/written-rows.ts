/** A row that was given to IndexedDB to store. */
export interface WrittenRow {
  readonly store: string;
  readonly value: unknown;
  readonly transaction: IDBTransaction;
}

/** Every row that `action` gives to IndexedDB to store, in order. */
export async function rowsWritten(action: () => Promise<unknown>): Promise<readonly WrittenRow[]> {
  const rows: WrittenRow[] = [];
  const spies = (['put', 'add'] as const).map((method) => spyOn(method, (row) => rows.push(row)));
  try {
    await action();
  } finally {
    for (const end of spies) end();
  }
  return rows;
}

/** Tells `hear` of every row that is written by this method, until the returned function is called. */
function spyOn(method: 'put' | 'add', hear: (row: WrittenRow) => void): () => void {
  const prototype = IDBObjectStore.prototype;
  const original = Reflect.get(prototype, method) as (...args: unknown[]) => IDBRequest<IDBValidKey>;
  prototype[method] = function (this: IDBObjectStore, ...args: unknown[]) {
    hear({ store: this.name, value: args[0], transaction: this.transaction });
    return original.apply(this, args);
  };
  return () => void Reflect.set(prototype, method, original);
}
