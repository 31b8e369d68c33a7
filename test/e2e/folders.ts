import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Where the demo is built to for these tests. */
export const BUILT = join(ROOT, 'node_modules', '.cache', 'lash-web-e2e');

/** What Playwright leaves behind; emptied at the start of a run. */
export const OUTPUT = join(ROOT, 'node_modules', '.cache', 'playwright');

/** Where the browsers of this worker save files. */
export const DOWNLOADS = join(OUTPUT, 'downloads', process.env['TEST_PARALLEL_INDEX'] ?? '');
