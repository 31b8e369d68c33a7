/** What the main part of the page shows. */
export type Place = 'chat' | 'storage' | 'kit';

/** The session that the page's address names. */
export function sessionInAddress(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('session');
}

/** What the page's address asks for. */
export function placeInAddress(): Place {
  if (location.hash === '#storage') return 'storage';
  return location.hash === '#kit' ? 'kit' : 'chat';
}

/**
 * Makes the address name this place; of chats, this one or none. The place that was left is what the browser goes back
 * to, unless it is replaced.
 */
export function setAddress(place: Place, sessionId: string | null, how: 'push' | 'replace'): void {
  const hash = hashOf(place, sessionId);
  if (hash === location.hash) return;
  const url = hash === '' ? location.pathname + location.search : hash;
  if (how === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}

function hashOf(place: Place, sessionId: string | null): string {
  if (place !== 'chat') return `#${place}`;
  return sessionId === null ? '' : `#session=${encodeURIComponent(sessionId)}`;
}
