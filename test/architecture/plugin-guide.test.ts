import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

test('the guide to plugins shows the code that the browsers run', () => {
  const guide = readFileSync('src/README.md', 'utf8');
  const [, shown] = /```ts file=plan-plugin\.ts\n([\s\S]*?)```/u.exec(guide) ?? [];
  expect(shown).toBe(readFileSync('test/worker/plan-plugin.ts', 'utf8'));
});
