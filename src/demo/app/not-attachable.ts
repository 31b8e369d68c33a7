/** A file that a model could neither see nor read. */
export class NotAttachable extends Error {
  override readonly name = 'NotAttachable';
  readonly file: string;

  constructor(file: string) {
    super(`${file} is neither a picture (PNG, JPEG, GIF, WebP) nor a text file.`);
    this.file = file;
  }
}
