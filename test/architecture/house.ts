import { moduleUses, resolveRelative, type SourceFile } from './source.ts';

/** One broken rule. */
export interface Violation {
  readonly rule: string;
  readonly file: string;
  readonly detail: string;
}

const MAX_LINES = 400;
const PACKAGE = 'lash-web';
const WING = ['core', 'contract'];

/** Who may know whom. The `references` of the rooms' tsconfig files say the same. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  turn: ['core'],
  prompt: ['core'],
  contract: ['core'],
  runtime: ['core', 'turn', 'prompt', 'contract'],
  stores: WING,
  providers: WING,
  plugins: WING,
  sinks: WING,
  tasks: WING,
  testing: ['core', 'contract', 'stores', 'providers'],
  protocol: ['core'],
  worker: ['core', 'prompt', 'contract', 'runtime', 'stores', 'sinks', 'tasks', 'protocol'],
  client: ['core', 'protocol'],
  demo: [],
};

const DOORS: Readonly<Record<string, readonly string[]>> = {
  'src/index.ts': ['core', 'protocol', 'client'],
  'src/worker.ts': ['core', 'prompt', 'contract', 'runtime', 'stores', 'plugins', 'sinks', 'tasks', 'worker'],
  'src/testing.ts': ['core', 'contract', 'testing', 'stores', 'providers'],
};

const PURE = ['core', 'turn', 'prompt'];

/** What a pure room does not do: look at a clock, roll dice, wait. */
const IMPURE: readonly RegExp[] = [
  /\bDate\.now\b/u,
  /\bnew\s+Date\b|(?<![.\w])Date\(/u,
  /\bMath\.random\b/u,
  /(?<![.\w])(?:performance|crypto)\b/u,
  /(?<![.\w])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/u,
  /(?<![.\w])(?:async|await)\b/u,
  /(?<![.\w])Promise(?:Like)?\b/u,
];

const FORBIDDEN: readonly { readonly rule: string; readonly pattern: RegExp }[] = [
  { rule: 'no enum', pattern: /(?<![.\w$])enum\s+[A-Za-z_$]/u },
  { rule: 'no any', pattern: /(?<![.\w$])any(?![\w$(:])/u },
  { rule: 'no default export', pattern: /\bexport\s+default\b|\bas\s+default\b/u },
  { rule: 'no star export', pattern: /\bexport\s+(?:type\s+)?\*/u },
  { rule: 'no module-level state', pattern: /^(?:export\s+)?(?:declare\s+)?(?:let|var)\s/mu },
  {
    rule: 'no module-level state',
    pattern:
      /^(?:export\s+)?const\s+[\w$]+(?:\s*:\s*(?:Weak)?(?:Map|Set)\b[^=\n]*)?\s*=\s*new\s+(?:Weak)?(?:Map|Set)\b/mu,
  },
];

const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//u.exec(path)?.[1];
const isRelative = (specifier: string): boolean => specifier.startsWith('.');

/** Every broken rule in the files of `src`. */
export function checkHouse(files: readonly SourceFile[]): Violation[] {
  return [
    ...files.flatMap((file) => [...checkText(file), ...checkImports(file)]),
    ...checkCycles(files),
    ...checkPageDoor(files),
    ...checkDocComments(files),
  ];
}

function checkText(file: SourceFile): Violation[] {
  const violations: Violation[] = [];
  const report = (rule: string, detail: string): void =>
    void violations.push({ rule, file: file.path, detail });
  const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
  if (lines > MAX_LINES) report('short files', `${lines} lines`);
  if (!/\/[a-z0-9]+(?:-[a-z0-9]+)*(?:\.worker|\.d)?\.ts$/u.test(file.path)) report('kebab-case', file.path);
  for (const { rule, pattern } of FORBIDDEN) {
    const found = pattern.exec(file.code);
    if (found !== null) report(rule, lineAt(file, found.index));
  }
  if (PURE.includes(roomOf(file.path) ?? '')) {
    for (const pattern of IMPURE) {
      const found = pattern.exec(file.code);
      if (found !== null) report('pure room', lineAt(file, found.index));
    }
  }
  return violations;
}

function lineAt(file: SourceFile, offset: number): string {
  const number = file.text.slice(0, offset).split('\n').length;
  return `line ${number}: ${(file.text.split('\n')[number - 1] ?? '').trim()}`;
}

function checkImports(file: SourceFile): Violation[] {
  const room = roomOf(file.path);
  const allowed = room === undefined ? DOORS[file.path] : ROOMS[room];
  if (allowed === undefined)
    return [{ rule: 'known rooms', file: file.path, detail: 'no such room or door' }];
  return moduleUses(file).flatMap(({ specifier }) => {
    const problem = isRelative(specifier)
      ? relativeProblem(file.path, specifier, room, allowed)
      : packageProblem(specifier, room);
    return problem === undefined ? [] : [{ ...problem, file: file.path }];
  });
}

type Problem = Omit<Violation, 'file'>;

function relativeProblem(
  from: string,
  specifier: string,
  room: string | undefined,
  allowed: readonly string[],
): Problem | undefined {
  const target = resolveRelative(from, specifier);
  const targetRoom = roomOf(target);
  if (targetRoom !== undefined && targetRoom === room) {
    const hasEnding = room === 'demo' || specifier.endsWith('.ts');
    return hasEnding ? undefined : { rule: 'specifiers end in .ts', detail: specifier };
  }
  if (room === 'demo') return { rule: 'demo enters through the doors', detail: specifier };
  if (targetRoom === undefined || !allowed.includes(targetRoom)) {
    return { rule: 'arrows point down', detail: `${room ?? from} may not import ${specifier}` };
  }
  return specifier.endsWith('.ts') ? undefined : { rule: 'specifiers end in .ts', detail: specifier };
}

function packageProblem(specifier: string, room: string | undefined): Problem | undefined {
  const own = specifier === PACKAGE || specifier.startsWith(`${PACKAGE}/`);
  if (own && room !== 'demo') return { rule: 'rooms import by path', detail: specifier };
  if (/^zod(?:\/|$)/u.test(specifier) && specifier !== 'zod/mini') {
    return { rule: 'zod/mini only', detail: specifier };
  }
  return undefined;
}

function relativeTargets(file: SourceFile, alsoTypes: boolean): string[] {
  return moduleUses(file)
    .filter(({ specifier, typeOnly }) => isRelative(specifier) && (alsoTypes || !typeOnly))
    .map(({ specifier }) => resolveRelative(file.path, specifier));
}

/** Import cycles, those by type included; each is named once. */
function checkCycles(files: readonly SourceFile[]): Violation[] {
  const targets = new Map(files.map((file) => [file.path, relativeTargets(file, true)]));
  const done = new Set<string>();
  const violations: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const detail = [...trail.slice(start), path].join(' -> ');
      violations.push({ rule: 'no cycles', file: path, detail });
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return violations;
}

/** What a page loads contains no zod, however far away from the door it is imported. */
function checkPageDoor(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set(['src/index.ts']);
  for (const path of reached) {
    const file = byPath.get(path);
    for (const target of file === undefined ? [] : relativeTargets(file, false)) reached.add(target);
  }
  return [...reached].flatMap((path) => {
    const file = byPath.get(path);
    const loads =
      file !== undefined && moduleUses(file).some((use) => use.specifier.startsWith('zod') && !use.typeOnly);
    return loads ? [{ rule: 'no zod on the page', file: path, detail: 'reached from src/index.ts' }] : [];
  });
}

const REEXPORT = /\bexport\s+(?:type\s+)?\{([^}]*)\}(?:\s*from\s*['"]([^'"]+)['"])?/gu;
const DECLARATION =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\s*\*?|class|const|interface|type|namespace)\s+([\w$]+)/gmu;

/** A name that a file exports: declared there, or taken from another file. */
interface ExportedName {
  readonly name: string;
  readonly localName: string;
  readonly from?: string;
}

function exportedNames(file: SourceFile): ExportedName[] {
  const declared = [...file.code.matchAll(DECLARATION)].map((match) => match[1] ?? '');
  const lists = [...file.uncommented.matchAll(REEXPORT)].flatMap((match) => {
    const from = match[2] === undefined ? {} : { from: resolveRelative(file.path, match[2]) };
    const items = (match[1] ?? '').split(',').map((item) => item.trim().replace(/^type\s+/u, ''));
    return items.filter(Boolean).map((item) => {
      const [localName = item, name = localName] = item.split(/\s+as\s+/u);
      return { name, localName, ...from };
    });
  });
  return [...new Set(declared)].map((name): ExportedName => ({ name, localName: name })).concat(lists);
}

function isDoor(path: string): boolean {
  return path in DOORS || /^src\/(?:providers|plugins)\/[^/]+\.ts$/u.test(path);
}

/** Each name of a door has a doc comment where it is declared. */
function checkDocComments(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files
    .filter((file) => isDoor(file.path))
    .flatMap((door) =>
      exportedNames(door)
        .filter((exported) => !isDocumented(door, exported, byPath))
        .map(({ name }) => ({ rule: 'doc comments', file: door.path, detail: name })),
    );
}

function isDocumented(
  file: SourceFile,
  exported: ExportedName,
  byPath: ReadonlyMap<string, SourceFile>,
): boolean {
  if (exported.from !== undefined) {
    const target = byPath.get(exported.from);
    const next = target && exportedNames(target).find(({ name }) => name === exported.localName);
    return target !== undefined && next !== undefined && isDocumented(target, next, byPath);
  }
  const name = exported.localName.replaceAll('$', String.raw`\$`);
  const declaration = new RegExp(
    String.raw`^(?:export\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\s*\*?|class|const|interface|type|namespace)\s+${name}\b`,
    'gmu',
  );
  return [...file.code.matchAll(declaration)].some((match) =>
    endsInDocComment(file.text.slice(0, match.index)),
  );
}

function endsInDocComment(before: string): boolean {
  return /\*\/\s*$/u.test(before) && before.slice(before.lastIndexOf('/*')).startsWith('/**');
}
