import type { AttachmentRef } from 'lash-web';
import { html, type TemplateResult } from 'lit';

import type { AttachmentUrls } from '../app/attachment-urls.ts';
import { byteCount } from '../app/format.ts';

/** A way to see all of a part that was too long for its message and lies in an attachment. It is read on request. */
export function longText(
  overflow: AttachmentRef,
  urls: AttachmentUrls,
  run: (task: Promise<unknown>) => void,
): TemplateResult {
  const fill = (event: Event) => {
    const details = event.currentTarget as HTMLDetailsElement;
    const place = details.querySelector('pre');
    if (!details.open || place === null || place.textContent !== '') return;
    run(urls.text(overflow.id).then((text) => (place.textContent = text)));
  };
  return html`<details class="long-text" @toggle=${fill}>
    <summary>Show all of it (${byteCount(overflow.byteLength)})</summary>
    <pre tabindex="0"></pre>
  </details>`;
}
