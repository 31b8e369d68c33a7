import { describe, expect, test } from 'vitest';

import type { CheckpointChange } from '../../src/contract/checkpoint.ts';
import type { AttachmentRef } from '../../src/core/attachment.ts';
import type { NodeBody, NodeDraft } from '../../src/core/node.ts';
import { DEFAULT_COMMIT_BUDGET } from '../../src/stores/rules/commit-budget.ts';
import { type PlannedCommit, planCommit } from '../../src/stores/rules/commit-plan.ts';
import { attachmentsOf } from '../../src/stores/rules/draft-attachments.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends } from '../../src/testing/author.ts';

function plan(checkpoint?: unknown, maxBytes = DEFAULT_COMMIT_BUDGET.bytes): Promise<PlannedCommit> {
  const request = {
    operationId: 'op',
    expectedRevision: 0,
    epoch: 0,
    change: appends(null, ['a']),
    usage: [],
    ...(checkpoint === undefined ? {} : { checkpoint: checkpoint as CheckpointChange }),
  };
  return planCommit(request, { ...DEFAULT_COMMIT_BUDGET, bytes: maxBytes });
}

const body = { b: [1, null], a: 'é' };

describe('a checkpoint is checked and encoded before a transaction opens', () => {
  test('[CP1] the id of a component is the SHA-256 of version and body, whatever the order of its keys', async () => {
    const { checkpoint } = await plan({
      one: { version: 3, body },
      two: { version: 3, body: { a: 'é', b: [1, null] } },
    });
    const content = new TextEncoder().encode('[3,{"a":"é","b":[1,null]}]');
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
    const id = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    expect(checkpoint).toEqual({
      components: { one: id, two: id },
      bodies: [{ id, version: 3, body: '{"a":"é","b":[1,null]}' }],
      references: [],
      bytes: 23,
    });
  });

  test('[ST4] the hash covers it: another name, version, body or none is other content, an id for a body is not', async () => {
    const hashOf = async (checkpoint?: unknown): Promise<string> => (await plan(checkpoint)).hash;
    const { checkpoint, hash } = await plan({ one: { version: 1, body } });
    const { one } = checkpoint!.components;
    expect(await hashOf({ one: { id: one } })).toBe(hash);
    expect(await hashOf({ one: { id: one, version: 1, body } })).toBe(hash);
    const others = [
      undefined,
      {},
      { two: { version: 1, body } },
      { one: { version: 2, body } },
      { one: { version: 1, body: null } },
    ];
    const hashes = await Promise.all(others.map(hashOf));
    expect(new Set([...hashes, hash]).size).toBe(others.length + 1);
  });

  test('[ST13] its bodies count towards the budget, once each, and ids do not', async () => {
    const bytes = (await plan()).bytes;
    const twice = { one: { version: 1, body: 'x'.repeat(98) }, two: { version: 1, body: 'x'.repeat(98) } };
    expect((await plan(twice, bytes + 100)).bytes).toBe(bytes);
    await rejects(plan(twice, bytes + 99), 'CommitBudgetExceeded', {
      rows: 1,
      bytes: bytes + 100,
      maxRows: DEFAULT_COMMIT_BUDGET.rows,
      maxBytes: bytes + 99,
    });
  });

  test('a name is 1 to 128 bytes, also one that an object has of itself', async () => {
    await rejects(plan({ '': { version: 0, body } }), 'InvalidInput');
    await rejects(plan({ ['é'.repeat(65)]: { version: 0, body } }), 'InvalidInput');
    const named = JSON.parse(
      '{"__proto__": {"version": 0, "body": 1}, "constructor": {"version": 0, "body": 2}}',
    ) as object;
    const { checkpoint } = await plan({ ...named, ['é'.repeat(64)]: { version: 0, body } });
    expect(Object.keys(checkpoint!.components)).toHaveLength(3);
    expect(Object.getPrototypeOf(checkpoint!.components)).toBe(Object.prototype);
  });

  test.each([
    ['a list', [{ version: 0, body }]],
    ['no object', 'text'],
    ['a component that is no object', { one: 1 }],
    ['neither body nor id', { one: { version: 1 } }],
    ['an id that is none', { one: { id: 'x' } }],
    ['no version', { one: { body } }],
    ['a version below zero', { one: { version: -1, body } }],
    ['a version between two', { one: { version: 0.5, body } }],
  ])('%s is InvalidInput', async (_what, checkpoint) => {
    await rejects(plan(checkpoint), 'InvalidInput');
  });

  test('a body that is not JSON is NotData, and names the place', async () => {
    const path = 'checkpoint.one.body.at';
    await rejects(plan({ one: { version: 0, body: { at: new Date(0) } } }), 'NotData', { path });
  });

  test('what its caller changes meanwhile does not show', async () => {
    const change = { one: { version: 1, body: { list: [1] } } };
    const planned = plan(change);
    change.one.body.list.push(2);
    expect((await planned).checkpoint?.bodies[0]?.body).toBe('{"list":[1]}');
  });
});

test('[ST11] every place where a node can refer to an attachment is found, each attachment once', () => {
  const ref = (id: string): AttachmentRef => ({ id, mime: 'a/b', byteLength: 1 });
  const draft = (node: NodeBody): NodeDraft => ({ createdAt: 1, body: node });
  const call = { callId: 'c', tool: 't', args: null, durationMs: 0 };
  const success = { status: 'success', value: null } as const;
  const drafts = [
    draft({
      kind: 'conversation',
      message: {
        role: 'user',
        parts: [
          { type: 'image', attachment: ref('image') },
          { type: 'file', attachment: ref('file') },
          { type: 'text', text: '', overflow: ref('text') },
          { type: 'reasoning', text: '', overflow: ref('reasoning') },
          { type: 'tool-call', callId: 'c', tool: 't', args: null, overflow: ref('call') },
          { type: 'text', text: 'plain' },
          { type: 'image', attachment: ref('image') },
        ],
      },
    }),
    draft({
      kind: 'tool',
      invocation: { ...call, outcome: { ...success, overflow: ref('value') }, overflow: ref('args') },
    }),
    draft({ kind: 'tool', invocation: { ...call, outcome: { status: 'cancelled', message: '' } } }),
    draft({ kind: 'plugin', pluginType: 'p', data: { attachment: { id: 'not ours' } } }),
  ];
  const found = ['image', 'file', 'text', 'reasoning', 'call', 'args', 'value'];
  expect(attachmentsOf(drafts)).toEqual(found);
});
