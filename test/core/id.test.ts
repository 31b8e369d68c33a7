import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkId, MAX_ID_BYTES, nodeIdOf, parseNodeId } from '../../src/core/id.ts';

describe('ids', () => {
  it('[ST4] a node id gives back the operation and the ordinal that it was made of', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(999_999_999), (operationId, ordinal) => {
        expect(parseNodeId(nodeIdOf(operationId, ordinal))).toEqual({ operationId, ordinal });
      }),
      { seed: 20_240_601 },
    );
  });

  it.each(['', 'x', '.0', 'x.', 'x.01', 'x.-1', 'x.1e3', 'x.1 ', 'x.9999999999'])(
    '%j has not the form of a node id',
    (text) => {
      expect(parseNodeId(text)).toBeUndefined();
    },
  );

  it('are 1 to 128 bytes of UTF-8', () => {
    const longest = 'ä'.repeat(MAX_ID_BYTES / 2);
    expect(checkId('x', 'id')).toBe('x');
    expect(checkId(longest, 'id')).toBe(longest);
    for (const id of ['', `${longest}x`])
      expect(() => checkId(id, 'sessionId')).toThrow(/^sessionId must be/u);
  });
});
