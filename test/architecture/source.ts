/** A source file as the checks see it. `path` is relative to the top of the repository. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked. Offsets are the same in all three forms. */
  readonly uncommented: string;
  /** The text with comments and what is inside quotes blanked. */
  readonly code: string;
}

/** One import, or re-export, of one module. */
export interface ModuleUse {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const blank = (text: string): string => text.replaceAll(/[^\n]/gu, ' ');

const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|of|in))\s*$/u;
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n*[])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*\/[a-z]*|[`{}]/gu;

/** Reads a source file: enough of a tokenizer to tell code from comments, quotes and templates. */
export function readSource(path: string, text: string): SourceFile {
  let uncommented = '';
  let code = '';
  let at = 0;
  /** Open braces; `true` for one that a template's `${` opened. */
  const braces: boolean[] = [];
  const take = (end: number, kind: 'code' | 'quote' | 'comment'): void => {
    const piece = text.slice(at, end);
    uncommented += kind === 'comment' ? blank(piece) : piece;
    code += kind === 'code' ? piece : blank(piece);
    at = end;
  };
  const takeTemplate = (): void => {
    const part = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(`|\$\{|$)/uy;
    part.lastIndex = at;
    const [, end] = part.exec(text) ?? [];
    take(part.lastIndex, 'quote');
    if (end === '${') braces.push(true);
  };
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) break;
    const [token] = match;
    take(match.index, 'code');
    if (token === '`') {
      take(at + 1, 'quote');
      takeTemplate();
    } else if (token === '{') {
      braces.push(false);
      take(at + 1, 'code');
    } else if (token === '}') {
      const closesTemplate = braces.pop() === true;
      take(at + 1, closesTemplate ? 'quote' : 'code');
      if (closesTemplate) takeTemplate();
    } else if (token.startsWith('//') || token.startsWith('/*')) {
      take(at + token.length, 'comment');
    } else if (token.startsWith('/') && !REGEX_MAY_FOLLOW.test(code.slice(-40))) {
      take(at + 1, 'code');
    } else {
      take(at + token.length, 'quote');
    }
  }
  take(text.length, 'code');
  return { path, text, uncommented, code };
}

const MODULE_USE =
  /\b(?:import|export)\s+(type\s)?[^'";]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gu;

/** What a file imports, re-exports or loads. */
export function moduleUses(file: SourceFile): ModuleUse[] {
  return [...file.uncommented.matchAll(MODULE_USE)]
    .filter((match) => file.code[match.index] !== ' ')
    .map((match) => ({ specifier: match[2] ?? match[3] ?? '', typeOnly: match[1] !== undefined }));
}

/** Follows a relative specifier to the path of the file that it names. */
export function resolveRelative(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
