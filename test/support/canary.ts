/** A secret that a worker is built with, and one that a page hands over. Every way of writing them down looks different. */
export const REGISTERED = 'registered/7+"x\\y=&ü-Zebra';
export const API_KEY = 'sk-Canary/8+"x\\y=&Zebra';

/** Ways in which a secret may be written down, by name. */
export function writtenForms(secret: string): Readonly<Record<string, string>> {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const binary = Array.from(new TextEncoder().encode(secret), (byte) => String.fromCharCode(byte)).join('');
  return {
    plain: secret,
    JSON: inJson,
    'JSON in JSON': JSON.stringify(inJson).slice(1, -1),
    URL: encodeURIComponent(secret),
    base64: btoa(binary),
  };
}

/** The names of the forms in which `text` holds the secret, and of parts of its base64 at any offset. */
export function leaks(secret: string, text: string): readonly string[] {
  const found = Object.entries(writtenForms(secret)).flatMap(([name, form]) =>
    text.includes(form) ? [name] : [],
  );
  const embedded = [0, 1, 2].flatMap((offset) => {
    const core = base64Core(secret, offset);
    return text.includes(core) ? [`base64 behind ${offset} bytes`] : [];
  });
  return [...found, ...embedded];
}

/** What the base64 of any text has in common that holds `secret` at an offset of this remainder. */
function base64Core(secret: string, offset: number): string {
  const bytes = new TextEncoder().encode(secret);
  const start = (3 - offset) % 3;
  const whole = bytes.slice(start, start + Math.floor((bytes.length - start) / 3) * 3);
  return btoa(Array.from(whole, (byte) => String.fromCharCode(byte)).join(''));
}
