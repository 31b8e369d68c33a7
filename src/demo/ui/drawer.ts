import type { App } from '../app/app.ts';
import { afterNextFrame } from './focus.ts';

const OPENERS = { sidebar: 'open-sidebar', trace: 'trace-toggle' } as const;

/** A part of the page that lies over the conversation where there is no room beside it. */
type Drawer = keyof typeof OPENERS;

/** Opens a drawer; where it covers the conversation, the focus goes along. */
export function openDrawer(app: App, drawer: Drawer): void {
  app.panels.show(drawer, true);
  if (!app.panels.covered) return;
  afterNextFrame(() => document.querySelector<HTMLElement>(`#${drawer} button:enabled`)?.focus());
}

/** Closes a drawer; the focus goes back to the button that opens it. */
export function closeDrawer(app: App, drawer: Drawer): void {
  app.panels.show(drawer, false);
  afterNextFrame(() => document.querySelector<HTMLElement>(`[data-testid=${OPENERS[drawer]}]`)?.focus());
}

/** Closes what covers the conversation. */
export function closeDrawers(app: App): void {
  if (!app.panels.covered) return;
  const drawer = app.panels.sidebar && app.panels.sidebarIsDrawer ? 'sidebar' : 'trace';
  app.panels.uncover();
  closeDrawer(app, drawer);
}
