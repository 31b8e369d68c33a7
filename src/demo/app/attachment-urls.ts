import type { SessionClient } from 'lash-web';

/** `blob:` addresses of a session's attachments, each made once, for as long as its chat is shown. */
export class AttachmentUrls {
  readonly #urls = new Map<string, Promise<string>>();
  readonly #session: SessionClient;

  constructor(session: SessionClient) {
    this.#session = session;
  }

  /** The address of an attachment's bytes. @throws `AttachmentNotFound` */
  get(id: string): Promise<string> {
    const known = this.#urls.get(id);
    if (known !== undefined) return known;
    const url = this.#session.attachments.get(id).then((blob) => URL.createObjectURL(blob));
    this.#urls.set(id, url);
    return url;
  }

  /** The text of an attachment that holds a part too long for its message. */
  async text(id: string): Promise<string> {
    const blob = await this.#session.attachments.get(id);
    return blob.text();
  }

  /** Gives the bytes free. */
  async release(): Promise<void> {
    const urls = await Promise.allSettled(this.#urls.values());
    this.#urls.clear();
    for (const url of urls) if (url.status === 'fulfilled') URL.revokeObjectURL(url.value);
  }
}
