import './test/support/node-20.ts';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { defaultClientConditions, defaultServerConditions, type Plugin } from 'vite';
import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config';
import type { BrowserInstanceOption, ProjectConfig } from 'vitest/node';

import {
  benchInstances,
  backEnds,
  playwrightInstances,
  webkitGtkInstances,
} from './test/support/browser-projects.ts';
import { mcpServerUrl, stopMcpServers } from './test/support/mcp-servers.ts';
import { modelServerUrl, stopModelServer } from './test/support/model-servers.ts';
import { wholeWorkers } from './test/support/whole-workers.ts';

const target = 'es2022';

// Bundled before the first page asks for them, so that no run is interrupted by a reload.
const prebundled = [
  'comlink',
  'idb',
  'zod/mini',
  '@noble/hashes/sha2.js',
  '@noble/hashes/utils.js',
  '@cfworker/json-schema',
  '@ai-sdk/openai-compatible',
  'dompurify',
  'lit',
  'lit/directive.js',
  'lit/directives/guard.js',
  'lit/directives/live.js',
  'lit/directives/ref.js',
  'lit/directives/repeat.js',
  'lit/directives/until.js',
  'marked',
];

/** What the built demo may do. Servers of models are the person's choice, so connections may go anywhere. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self' http: https:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Puts the policy into the built page; the dev server's own inline styles would break it. */
const contentSecurityPolicy: Plugin = {
  name: 'lash-web-demo-csp',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

const SERVICE_WORKER = 'service-worker';

/** Tells the built demo's service worker which files the build has, and what their bytes are. */
const offline: Plugin = {
  name: 'lash-web-demo-offline',
  apply: 'build',
  writeBundle({ dir }) {
    if (dir === undefined) return;
    const script = join(dir, `${SERVICE_WORKER}.js`);
    const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).toSorted();
    const files = names
      .map((name) => ({ name: name.replaceAll('\\', '/'), path: join(dir, name) }))
      .filter(({ path }) => path !== script && statSync(path).isFile())
      .map(({ name, path }) => ({ url: name === 'index.html' ? './' : name, integrity: integrityOf(path) }));
    const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
    writeFileSync(
      script,
      `const BUILD = ${JSON.stringify({ version, files })};\n${readFileSync(script, 'utf8')}`,
    );
  },
};

function integrityOf(path: string): string {
  return `sha256-${createHash('sha256').update(readFileSync(path)).digest('base64')}`;
}

/** `dist/worker.bundle.js`: the worker door with all that it needs in one file, for pages without a bundler. */
const workerBundle: ViteUserConfig = {
  build: {
    target,
    outDir: 'dist',
    emptyOutDir: false,
    copyPublicDir: false,
    sourcemap: true,
    minify: 'oxc',
    lib: {
      entry: { 'worker.bundle': 'src/worker.ts' },
      formats: ['es'],
      fileName: (_format, name) => `${name}.js`,
    },
    rolldownOptions: { output: { codeSplitting: false } },
  },
};

/** A project that runs in these engines; none where there is no engine, as Vitest refuses an empty list. */
function browserProject(
  name: string,
  instances: BrowserInstanceOption[],
  settings: ProjectConfig = { include: ['test/**/*.browser.test.ts'], exclude: ['test/bench/**'] },
): TestProjectInlineConfiguration[] {
  if (instances.length === 0) return [];
  return [
    {
      extends: true,
      plugins: [wholeWorkers],
      oxc: { target },
      optimizeDeps: {
        include: [
          ...prebundled,
          'fast-check',
          '@ai-sdk/anthropic',
          '@ai-sdk/google',
          '@ai-sdk/openai',
          '@modelcontextprotocol/client',
        ],
      },
      test: {
        ...settings,
        name,
        fileParallelism: false,
        browser: {
          enabled: true,
          headless: true,
          ui: false,
          screenshotFailures: false,
          connectTimeout: 180_000,
          instances,
          commands: { backEnds, mcpServerUrl, modelServerUrl, stopMcpServers, stopModelServer },
        },
      },
    },
  ];
}

const app: ViteUserConfig = {
  plugins: [contentSecurityPolicy, offline],
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1' },
  build: {
    target,
    outDir: '.demo',
    rolldownOptions: {
      input: { index: 'index.html', [SERVICE_WORKER]: 'src/demo/service.worker.ts' },
      output: {
        // The browser looks for a newer service worker at the same address.
        entryFileNames: ({ name }) => (name === SERVICE_WORKER ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  worker: { format: 'es' },
  optimizeDeps: { include: prebundled },
  test: {
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts', 'test/package/**', 'test/e2e/**'],
          // These name their own sources by the condition `source`, which Node cannot run.
          server: { deps: { inline: [/@ai-sdk/, /@modelcontextprotocol\/client/, /eventsource/] } },
        },
      },
      ...browserProject('browser', playwrightInstances()),
      ...browserProject('browser-webkitgtk', webkitGtkInstances()),
      {
        extends: true,
        test: {
          name: 'package',
          environment: 'node',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'bench-workers',
          environment: 'node',
          include: ['test/bench/**/*.bench.ts'],
          // Whoever runs beside another one is measured wrongly.
          fileParallelism: false,
        },
      },
      ...browserProject('bench-pages', benchInstances(), {
        include: ['test/bench/**/*.bench.browser.test.ts'],
        exclude: [],
        testTimeout: 600_000,
      }),
    ],
  },
};

export default defineConfig(({ mode }) => (mode === 'worker-bundle' ? workerBundle : app));
