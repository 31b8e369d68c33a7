import { describe, expect, test } from 'vitest';

import { Draft } from '../../src/demo/app/draft.ts';
import { Drafts } from '../../src/demo/app/drafts.ts';

/** Storage that holds one text. */
function storage(): Storage {
  let kept: string | null = null;
  const fake = { getItem: () => kept, setItem: (_key: string, value: string) => (kept = value) };
  return fake as unknown as Storage;
}

const file = (id: string) => ({ id, mime: 'text/plain', byteLength: 1 });

describe('what is written to a session', () => {
  test('belongs to that session', () => {
    const drafts = new Drafts(storage());
    drafts.of('a').text = 'for a';
    drafts.of('b').text = 'for b';
    drafts.of(null).text = 'for a new one';
    expect([drafts.of('a').text, drafts.of('b').text, drafts.of(null).text]).toEqual([
      'for a',
      'for b',
      'for a new one',
    ]);
  });

  test('goes along when the session is made only then', () => {
    const drafts = new Drafts(storage());
    drafts.of(null).text = 'hello';
    expect(drafts.adopt('a').text).toBe('hello');
    expect(drafts.of('a').text).toBe('hello');
    expect(drafts.of(null).text).toBe('');
  });

  test('stays in the composer when there is no such session', () => {
    const drafts = new Drafts(storage());
    drafts.of('gone').text = 'second';
    drafts.of(null).text = 'first';
    drafts.rescue('gone');
    expect(drafts.of(null).text).toBe('first\n\nsecond');
    expect(drafts.of('gone').text).toBe('');
    drafts.rescue('gone');
    expect(drafts.of(null).text).toBe('first\n\nsecond');
  });

  test('outlives the page, but for an edit of an earlier message', () => {
    const tab = storage();
    const drafts = new Drafts(tab);
    drafts.of('a').text = 'for a';
    drafts.of(null).text = 'for a new one';
    const { text, attachments } = drafts.of('b');
    drafts.of('b').text = 'an edit';
    drafts.of('b').editing = { nodeId: 'n', from: null, before: { text, attachments } };
    drafts.keep();
    const next = new Drafts(tab);
    expect([next.of('a').text, next.of('b').text, next.of(null).text]).toEqual([
      'for a',
      '',
      'for a new one',
    ]);
  });

  test('goes with the session', () => {
    const drafts = new Drafts(storage());
    drafts.of('a').text = 'for a';
    drafts.forget('a');
    expect(drafts.of('a').text).toBe('');
  });
});

describe('what was sent is taken out of the composer', () => {
  function sent(typedSince: (draft: Draft) => void): Draft {
    const draft = new Draft();
    draft.text = 'Hello there';
    draft.add(file('old'));
    draft.editing = { nodeId: 'n', from: null, before: { text: '', attachments: [] } };
    const { text, attachments } = draft;
    typedSince(draft);
    draft.takeOut(text, attachments);
    return draft;
  }

  test('all of it when nothing was added', () => {
    expect(sent(() => undefined)).toMatchObject({ text: '', attachments: [], editing: null });
  });

  test('and not what was typed and attached meanwhile', () => {
    const draft = sent((since) => {
      since.text += '\nand one more thing';
      since.add(file('new'));
    });
    expect(draft).toMatchObject({ text: 'and one more thing', attachments: [file('new')] });
  });

  test('and not a text that took its place', () => {
    expect(sent((since) => (since.text = 'Something else')).text).toBe('Something else');
  });
});
