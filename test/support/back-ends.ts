import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The two ways in which Chromium keeps IndexedDB on disk. */
export const BACK_ENDS = ['leveldb', 'sqlite'] as const;
export type BackEnd = (typeof BACK_ENDS)[number];

/** What a profile keeps its databases in: a LevelDB is a folder, an SQLite database is a file that says so. */
export function backEndsOf(profile: string): readonly BackEnd[] {
  const folder = join(profile, 'Default', 'IndexedDB');
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const isLevelDb = entries.some(({ name }) => name.endsWith('.leveldb'));
  const isSqlite = entries.some(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes('SQLite format 3'),
  );
  return BACK_ENDS.filter((backEnd) => (backEnd === 'leveldb' ? isLevelDb : isSqlite));
}
