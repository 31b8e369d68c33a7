import { LashError } from '../core/error.ts';

/** `name` itself if every provider takes it as a tool's name. @throws `InvalidInput` */
export function checkToolName(name: string, path: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  const reason = 'a tool is named by 1 to 64 letters, digits, _ and -';
  throw new LashError('InvalidInput', `${JSON.stringify(name)} cannot name a tool: ${reason}`, {
    path,
    reason,
  });
}
