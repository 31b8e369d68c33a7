import { expect, it } from 'vitest';

import { toolNames } from '../../src/plugins/internal/mcp-names.ts';

it('[MC3] names are in lower case, with one _ for all between letters and digits', () => {
  expect(toolNames('My Docs!', ['getPage', 'a--b..c', 'été', '__x__'])).toEqual([
    'mcp__my_docs___getpage',
    'mcp__my_docs___a_b_c',
    'mcp__my_docs____t_',
    'mcp__my_docs____x_',
  ]);
});

it('[MC3] names that would be the same are numbered, also where a tool has such a name of its own', () => {
  expect(toolNames('s', ['a', 'A', 'a_2', 'a!'])).toEqual([
    'mcp__s__a',
    'mcp__s__a_2',
    'mcp__s__a_2_2',
    'mcp__s__a_',
  ]);
});

it('[MC3] names are at most as long as providers take, and stay different', () => {
  const long = 'tool_'.repeat(20);
  const names = toolNames('server_'.repeat(10), [`${long}1`, `${long}2`, `${long}3`]);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name).toMatch(/^mcp__server_[a-z0-9_]{1,53}$/u);
});
