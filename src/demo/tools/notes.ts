import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { defineTool } from 'lash-web/worker';
import { maxLength, minLength, optional, strictObject, string } from 'zod/mini';

interface NotesSchema extends DBSchema {
  notes: { key: string; value: string };
}

const KEY = string().check(minLength(1), maxLength(200));

/**
 * `remember` and `recall`: notes by key in a small database of the demo's own, so that they outlive the page. All
 * sessions share them. Writing the same note twice leaves it as it is.
 */
export function noteTools(database: Promise<string>) {
  const withNotes = async <T>(use: (notes: IDBPDatabase<NotesSchema>) => Promise<T>): Promise<T> => {
    const notes = await openDB<NotesSchema>(`${await database}-notes`, 1, {
      upgrade: (opened) => void opened.createObjectStore('notes'),
    });
    try {
      return await use(notes);
    } finally {
      notes.close();
    }
  };

  const remember = defineTool({
    name: 'remember',
    description:
      'Notes something down under a short key, so that it can be recalled later, in other chats too.',
    input: strictObject({ key: KEY, value: string().check(maxLength(10_000)) }),
    execute: async ({ key, value }) => {
      await withNotes((notes) => notes.put('notes', value, normalKey(key)));
      return { remembered: normalKey(key) };
    },
  });

  const recall = defineTool({
    name: 'recall',
    description:
      'Reads back what was noted down under a key. Without a key it lists the keys that there are.',
    input: strictObject({ key: optional(KEY) }),
    execute: ({ key }) =>
      withNotes(async (notes) => {
        const keys = await notes.getAllKeys('notes');
        if (key === undefined) return { keys };
        const value = await notes.get('notes', normalKey(key));
        return value === undefined ? { key, found: false, keys } : { key, found: true, value };
      }),
  });

  return [remember, recall];
}

/** Models spell the same key in several ways. */
function normalKey(key: string): string {
  return key.trim().toLowerCase().replace(/\s+/g, ' ');
}
