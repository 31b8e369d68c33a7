/** What happened to a database while it was in use. */
export type DatabaseEvent =
  /** The connection was lost; the next call, if not something before it, opens it again. */
  | { readonly kind: 'lost' }
  /** It works again. */
  | { readonly kind: 'healed' }
  /** It was deleted. Nothing can be read or written any more but by who opens the new one. */
  | { readonly kind: 'wiped' }
  /** A newer version of this code wants to change its schema: we made way, and the page has to be loaded anew. */
  | { readonly kind: 'upgrade-wanted' }
  /** Another page keeps it busy. */
  | { readonly kind: 'blocked'; readonly reason: string };
