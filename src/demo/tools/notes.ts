import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { defineTool } from 'lash-web/worker';
import { maxLength, minLength, optional, strictObject, string } from 'zod/mini';

interface NotesSchema extends DBSchema {
  notes: { key: string; value: string };
}

const KEY = string().check(minLength(1), maxLength(200));

/**
 * `remember`, `recall` and `forget`: notes by key in a small database of the demo's own, so that they outlive the page.
 * All sessions share them. Writing the same note twice leaves it as it is. What is forgotten is gone, so a person is asked
 * first; and a call that was interrupted does not run again, since it would take what was noted anew meanwhile.
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
    replay: 'safe',
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
    replay: 'safe',
    execute: ({ key }) =>
      withNotes(async (notes) => {
        const keys = await notes.getAllKeys('notes');
        if (key === undefined) return { keys };
        const value = await notes.get('notes', normalKey(key));
        return value === undefined ? { key, found: false, keys } : { key, found: true, value };
      }),
  });

  const forget = defineTool({
    name: 'forget',
    description: 'Deletes what was noted down under a key, for good. The user is asked before it happens.',
    input: strictObject({ key: KEY }),
    replay: 'never',
    approval: true,
    execute: ({ key }) =>
      withNotes(async (notes) => {
        const found = (await notes.getKey('notes', normalKey(key))) !== undefined;
        await notes.delete('notes', normalKey(key));
        return { key: normalKey(key), found };
      }),
  });

  return [remember, recall, forget];
}

/** Models spell the same key in several ways. */
function normalKey(key: string): string {
  return key.trim().toLowerCase().replace(/\s+/g, ' ');
}
