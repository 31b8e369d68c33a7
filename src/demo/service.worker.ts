/** A file of this build, and what its bytes are. */
interface BuiltFile {
  readonly url: string;
  readonly integrity: string;
}

/** What the build writes in place of the placeholder: all of its files, and a version that changes with any of them. */
interface Build {
  readonly version: string;
  readonly files: readonly BuiltFile[];
}

declare const BUILD: Build;

const scope = globalThis as unknown as ServiceWorkerGlobalScope;
const PREFIX = 'lash-demo-build-';
const PAGE = './';

/**
 * Takes this build whole or not at all: a file that is not of this build, as while a server is being updated, fails the
 * installation, and the browser tries again later.
 */
async function install(): Promise<void> {
  const cache = await caches.open(PREFIX + BUILD.version);
  await cache.addAll(
    BUILD.files.map(({ url, integrity }) => new Request(url, { cache: 'reload', integrity })),
  );
}

/** Other builds are of no more use: no tab runs them when this one takes over. */
async function activate(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== PREFIX + BUILD.version);
  await Promise.all(old.map((name) => caches.delete(name)));
  // What the first visit has not loaded yet comes from here too.
  await scope.clients.claim();
}

/** A file of this build from its cache; whatever else is asked for comes from the network. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(PREFIX + BUILD.version);
  const cached = await cache.match(isPage(request) ? PAGE : request, { ignoreVary: true });
  return cached ?? (await fetch(request));
}

function isPage({ mode, url }: Request): boolean {
  const { pathname } = new URL(url);
  const home = new URL(scope.registration.scope).pathname;
  return mode === 'navigate' && (pathname === home || pathname === `${home}index.html`);
}

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('message', ({ data }) => {
  if (data === 'activate') void scope.skipWaiting();
});
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== scope.location.origin) return;
  event.respondWith(answer(request));
});
