/**
 * A reference to bytes in the attachment store. `id` is the lowercase hex SHA-256 of the bytes, so that the same bytes
 * have one id in any store (law ST11). `width` and `height` are pixels.
 */
export interface AttachmentRef {
  readonly id: string;
  /** A MIME type in lower case, such as `image/png`. */
  readonly mime: string;
  readonly byteLength: number;
  readonly name?: string;
  readonly width?: number;
  readonly height?: number;
}
