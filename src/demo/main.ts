import './styles/style.css';
import { connectRuntime } from 'lash-web';
import { render } from 'lit';

import { App } from './app/app.ts';
import { offerChromeModel } from './app/chrome-model.ts';
import { pageTools } from './app/page-tools.ts';
import { sessionInAddress } from './app/place.ts';
import type { Theme } from './app/theme.ts';
import { closeDrawers } from './ui/drawer.ts';
import { titleOf } from './ui/header.ts';
import { page } from './ui/page.ts';
import { StickyScroll } from './ui/sticky-scroll.ts';

const database = new URLSearchParams(location.search).get('db') ?? 'lash-demo';

/** A script that fails is told at once; one that comes late, over a slow network, is worth waiting for. */
const READY_TIMEOUT_MS = 60_000;

function startWorker(): Worker {
  return new Worker(new URL('./agent.worker.ts', import.meta.url), { type: 'module' });
}

/** At most one drawing per frame, however much changes. */
function onNextFrame(draw: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

function start(root: HTMLElement): void {
  let shown = '';
  const redraw = onNextFrame(() => {
    render(page(app, scrolls), root);
    document.title = app.place === 'chat' && app.chat === null ? 'lash-web' : `${titleOf(app)} · lash-web`;
    const place = `${app.place} ${app.chat?.id ?? ''} ${app.chat?.busy === true}`;
    if (place !== shown) for (const scroll of Object.values(scrolls)) scroll.stick();
    shown = place;
  });
  const scrolls = { conversation: new StickyScroll(redraw), trace: new StickyScroll(redraw) };
  const connect = async (theme: Theme) => {
    const client = await connectRuntime(startWorker, {
      config: { database },
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
    await client.offerTools(pageTools(theme));
    await offerChromeModel(client);
    return client;
  };
  const app = new App(connect, redraw, () => closeDrawers(app));
  addEventListener('hashchange', () => app.notices.run(app.follow()));
  addEventListener('popstate', () => app.notices.run(app.follow()));
  addEventListener('pagehide', () => app.keepDrafts());
  app.notices.run(app.connect(sessionInAddress()));
  if (import.meta.env.PROD) app.notices.run(app.offline.begin());
}

const root = document.querySelector<HTMLElement>('#app');
if (root !== null) start(root);
