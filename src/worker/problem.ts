import type * as z from 'zod/mini';

type Issue = z.core.$ZodIssue;

/** The first thing that a schema found wrong: where (`$` is the checked value), and in words. */
export interface Problem {
  readonly path: string;
  readonly reason: string;
}

/** The first problem of a failed check. Of alternatives that all failed, it is the one that came furthest. */
export function firstProblem(error: z.core.$ZodError, root = '$'): Problem {
  const issue = error.issues[0];
  return issue === undefined ? { path: root, reason: 'is not valid' } : describe(issue, root);
}

function describe(issue: Issue, root: string): Problem {
  const path = pathText(issue.path, root);
  if (issue.code === 'invalid_union') {
    const furthest = issue.errors
      .flatMap((branch) => branch.slice(0, 1))
      .reduce<Issue | undefined>(
        (best, next) => (best === undefined || depth(next) > depth(best) ? next : best),
        undefined,
      );
    if (furthest !== undefined && furthest.path.length > 0) return describe(furthest, path);
  }
  return { path, reason: reasonOf(issue) };
}

/** The small zod has no texts of its own: every message that the schema's author did not write is this one. */
const NO_MESSAGE = 'Invalid input';

function reasonOf(issue: Issue): string {
  if (issue.message !== NO_MESSAGE) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `is missing or not of type ${issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'unrecognized_keys':
      return `has unknown keys: ${issue.keys.join(', ')}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return `must have the form of ${issue.format}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
    default:
      return 'is not one of the forms that are understood';
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' items' : '';
}

function depth(issue: Issue): number {
  return issue.path.length;
}

function pathText(path: readonly PropertyKey[], root: string): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    root,
  );
}
