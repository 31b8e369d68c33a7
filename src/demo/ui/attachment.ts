import type { AttachmentRef } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';
import { until } from 'lit/directives/until.js';

import type { AttachmentUrls } from '../app/attachment-urls.ts';
import { isImage } from '../app/draft.ts';
import { byteCount } from '../app/format.ts';
import { iconButton } from './button.ts';
import { icon } from './icons.ts';

/** A picture as a thumbnail, another file as a chip; with `remove`, it can be taken away again. */
export function attachment(ref: AttachmentRef, urls: AttachmentUrls, remove?: () => void): TemplateResult {
  const name = ref.name ?? 'unnamed';
  return html`<span
    class="attachment ${isImage(ref) ? 'is-image' : ''}"
    data-testid="attachment"
    title=${name}
  >
    ${isImage(ref) ? thumbnail(ref, urls) : html`${icon('file')}<span class="attachment-name">${name}</span>`}
    ${isImage(ref) ? nothing : html`<span class="attachment-size">${byteCount(ref.byteLength)}</span>`}
    ${
      remove === undefined
        ? nothing
        : iconButton({ icon: 'close', label: `Remove ${name}`, testId: 'remove-attachment', onClick: remove })
    }
  </span>`;
}

function thumbnail(ref: AttachmentRef, urls: AttachmentUrls): TemplateResult {
  const missing = () => nothing;
  return html`<img
    src=${until(urls.get(ref.id).catch(missing), nothing)}
    alt=${ref.name ?? 'attached picture'}
    width=${ref.width ?? nothing}
    height=${ref.height ?? nothing}
  />`;
}
