import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { type Browser, chromium } from 'playwright';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build, createServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { chromiumLaunch } from '../support/engines.ts';
import { freePort } from '../support/free-port.ts';
import { createConsumer, execute, fragments, namedBlocks, sectionOf, shownBy } from './consumer.ts';
import { READERS_NAMES } from './readme-names.ts';
import { serveFolder } from './static-site.ts';

const FILES = ['index.html', 'src/main.ts', 'src/agent.worker.ts'];
/** Where a page without a bundler finds what the README's worker imports by name. */
const ADDRESSES: readonly (readonly [name: string, address: string])[] = [
  ['lash-web/worker', '/node_modules/lash-web/dist/worker.bundle.js'],
  ['lash-web/providers/builtin', '/node_modules/lash-web/dist/providers/builtin.js'],
  ['zod/mini', '/node_modules/zod/mini/index.js'],
];
const bin = (name: string): string => resolve('node_modules', '.bin', name);

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lash-web-package-'));
  await execute('.', 'npm', 'run', 'build');
  const packed = await execute(
    '.',
    'npm',
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    folder,
  );
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  tarball = join(folder, filename);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('the tarball holds the library and nothing else', async () => {
  const listing = (await execute(folder, 'tar', '-tzf', tarball)).trim().split('\n');
  const paths = listing.map((path) => path.replace('package/', ''));
  expect(paths).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/index.d.ts',
      'dist/worker.bundle.js',
      'src/index.ts',
      'LICENSE',
    ]),
  );
  expect(
    paths.filter((path) => !/^(?:dist|src)\/|^(?:package\.json|README\.md|LICENSE)$/u.test(path)),
  ).toEqual([]);
  expect(paths.filter((path) => /demo|tsconfig|tsbuildinfo|\.test\./u.test(path))).toEqual([]);
});

test('worker.bundle.js needs no other file', async () => {
  const bundle = await readFile('dist/worker.bundle.js', 'utf8');
  expect(bundle).toContain('serveRuntime');
  expect(bundle.match(/(?<![-\w])import\s*(?:\(\s*)?["'`{*][^;]{0,80}/gu) ?? []).toEqual([]);
});

test('publint finds no error', async () => {
  const bytes = await readFile(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(bytes).buffer },
    level: 'warning',
  });
  const texts = messages.map((message) => formatMessage(message, pkg ?? {}) ?? message.code);
  expect(texts).toEqual([]);
});

test('the types resolve for every ESM user', async () => {
  await execute(
    folder,
    bin('attw'),
    tarball,
    '--profile',
    'esm-only',
    '--exclude-entrypoints',
    'worker.bundle.js',
  );
});

describe('the code of the README, in a project of its own', () => {
  let app: string;
  let readme: string;
  let blocks: ReadonlyMap<string, string>;
  let pieces: ReadonlyMap<string, string>;
  let browser: Browser;
  let before: string;

  beforeAll(async () => {
    app = join(folder, 'app');
    readme = await readFile('README.md', 'utf8');
    blocks = namedBlocks(readme);
    pieces = fragments(readme);
    expect([...blocks.keys()]).toEqual(expect.arrayContaining(FILES));
    const body = /<body[^>]*>([\s\S]*)<\/body>/u.exec(blocks.get('index.html') ?? '')?.[1] ?? '';
    before = body.replaceAll(/<script[\s\S]*?<\/script>|<[^>]*>/gu, '').trim();
    await createConsumer(app, tarball, new Map([...blocks, ...pieces, ['readme/names.d.ts', READERS_NAMES]]));
    browser = await chromium.launch(chromiumLaunch());
  });

  afterAll(async () => {
    await browser?.close();
  });

  /** Compiles files of the project as strictly as a user may. */
  async function compile(...files: readonly string[]): Promise<void> {
    const options =
      '--noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler';
    const more =
      '--lib es2024,dom,dom.iterable,dom.asynciterable --types vite/client --moduleDetection force';
    await execute(app, bin('tsc'), ...options.split(' '), ...more.split(' '), ...files);
  }

  test('compiles against the published types', async () => {
    await compile('src/main.ts', 'src/agent.worker.ts');
  });

  test('compiles in each of its shorter pieces too, among the names that a reader has by then', async () => {
    const all = readme.match(/^```ts\b/gmu) ?? [];
    expect(pieces.size).toBe(all.length - FILES.filter((name) => name.endsWith('.ts')).length);
    await compile('readme/names.d.ts', ...pieces.keys());
  });

  test('works with the development server', async () => {
    const server = await createServer({
      root: app,
      configFile: false,
      logLevel: 'warn',
      server: { host: '127.0.0.1', port: await freePort(), strictPort: true },
    });
    try {
      await server.listen();
      expect(await shownBy(browser, server.resolvedUrls?.local[0] ?? '', before)).not.toBe('');
    } finally {
      await server.close();
    }
  });

  test('works when built', async () => {
    await build({ root: app, configFile: false, logLevel: 'warn' });
    const server = await preview({
      root: app,
      configFile: false,
      logLevel: 'warn',
      preview: { host: '127.0.0.1', port: await freePort(), strictPort: true },
    });
    try {
      expect(await shownBy(browser, server.resolvedUrls?.local[0] ?? '', before)).not.toBe('');
    } finally {
      await server.close();
    }
  });

  test('works without a bundler: with the import map that it names, and a worker that imports the bundle by address', async () => {
    const bare = join(app, 'bare');
    const [importMap = ''] =
      /<script type="importmap">[\s\S]*?<\/script>/u.exec(sectionOf(readme, 'Do without a bundler')) ?? [];
    const inJavaScript = (path: string): string => (blocks.get(path) ?? '').replaceAll('.ts', '.js');
    const page = inJavaScript('index.html').replace('</head>', `${importMap}</head>`);
    const worker = ADDRESSES.reduce(
      (code, [name, address]) => code.replace(`'${name}'`, `'${address}'`),
      inJavaScript('src/agent.worker.ts'),
    );
    await mkdir(join(bare, 'src'), { recursive: true });
    await symlink(join(app, 'node_modules'), join(bare, 'node_modules'));
    await writeFile(join(bare, 'index.html'), page);
    await writeFile(join(bare, 'src/main.js'), inJavaScript('src/main.ts'));
    await writeFile(join(bare, 'src/agent.worker.js'), worker);
    const site = await serveFolder(bare);
    try {
      expect(await shownBy(browser, site.url, before)).not.toBe('');
    } finally {
      await site.close();
    }
    for (const [, address] of ADDRESSES) expect(sectionOf(readme, 'Do without a bundler')).toContain(address);
  });
});
