/** The session that the page's address names. */
export function sessionInAddress(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('session');
}

/**
 * Makes the address name this session, or none. The place that was left is what the browser goes back to, unless it is
 * replaced.
 */
export function setAddress(sessionId: string | null, how: 'push' | 'replace'): void {
  const hash = sessionId === null ? '' : `#session=${encodeURIComponent(sessionId)}`;
  if (hash === location.hash) return;
  const url = hash === '' ? location.pathname + location.search : hash;
  if (how === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}
