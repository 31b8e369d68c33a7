import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { type Browser } from 'playwright';

const executeFile = promisify(execFile);

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
}

/** Runs a program and answers what it printed; what a failing one printed is in the error. */
export async function execute(folder: string, program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_ENV: 'production', VITEST: undefined };
  try {
    const { stdout } = await executeFile(program, args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** The code blocks of a document that name a file: ```ts file=src/main.ts */
export function namedBlocks(markdown: string): ReadonlyMap<string, string> {
  const blocks = markdown.matchAll(/^```\w+ file=(\S+)[^\n]*\n([\s\S]*?)^```$/gmu);
  return new Map([...blocks].map((match) => [match[1] ?? '', match[2] ?? '']));
}

const HEADING_OR_BLOCK = /^#+ (?<heading>.+)$|^```(?<language>\w*)(?<more>[^\n]*)\n(?<code>[\s\S]*?)^```$/gmu;

/** The TypeScript of a document that is no file of its own, each piece as a file named after the heading above it. */
export function fragments(markdown: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let name = '';
  for (const { groups = {} } of markdown.matchAll(HEADING_OR_BLOCK)) {
    const { heading, language, more, code = '' } = groups;
    if (heading !== undefined) name = heading.toLowerCase().replaceAll(/\W+/gu, '-');
    else if (language === 'ts' && more === '') found.set(`readme/${name}-${found.size}.ts`, code);
  }
  return found;
}

/** What stands under a heading of a document, up to the next one. */
export function sectionOf(markdown: string, heading: string): string {
  const [, section = ''] = markdown.split(`# ${heading}\n`);
  return section.split(/^#+ /mu)[0] ?? '';
}

/** Makes a project of a user: our tarball, Vite, and the files of the README. */
export async function createConsumer(
  folder: string,
  tarball: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const ours = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
  const imported = [...files.values()].flatMap((text) =>
    [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"]((?:@[^/'"]+\/)?[^./'"][^/'"]*)/gu)].map(
      (match) => match[1] ?? '',
    ),
  );
  const versions = { ...ours.dependencies, ...ours.devDependencies };
  const dependencies = Object.fromEntries(
    imported.flatMap((name) => (versions[name] === undefined ? [] : [[name, versions[name]]])),
  );
  const manifest = {
    name: 'consumer',
    private: true,
    type: 'module',
    dependencies: { ...dependencies, 'lash-web': `file:${tarball}` },
    devDependencies: { vite: versions['vite'] },
    overrides: ours.overrides,
  };
  const all = new Map([...files, ['package.json', JSON.stringify(manifest)]]);
  for (const [path, text] of all) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await execute(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--include=dev');
}

/** Opens a page and answers what it shows once its script has shown something. */
export async function shownBy(browser: Browser, url: string, before: string): Promise<string> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  try {
    await page.goto(url);
    const deadline = Date.now() + 30_000;
    let text = '';
    while (Date.now() < deadline && errors.length === 0 && (text === '' || text === before)) {
      await page.waitForTimeout(50);
      text = (await page.locator('body').innerText()).trim();
    }
    // What goes wrong right after the first text counts as well.
    await page.waitForTimeout(500);
    if (errors.length > 0) throw new Error(`errors in the page: ${errors.join('\n')}`);
    return text === before ? '' : text;
  } finally {
    await page.close();
  }
}
