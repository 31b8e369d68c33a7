import { wrap } from 'comlink';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { exposeCalls } from '../../src/worker/expose-calls.ts';
import { eventually } from '../support/eventually.ts';

let page: MessagePort;
let worker: MessagePort;
const answered: unknown[] = [];

beforeEach(() => {
  const { port1, port2 } = new MessageChannel();
  page = port1;
  worker = port2;
  answered.length = 0;
  exposeCalls(worker, ['storage', 'listSessions'], async (name, request) => {
    answered.push([name, request]);
    return { outcome: { ok: true, value: name }, seen: 0 };
  });
});
afterEach(() => {
  page.close();
  worker.close();
});

const raw = (value: unknown): unknown => ({ type: 'RAW', value });

/** Sends a raw message and says whether anything came back before the answer to an honest call. */
async function answersTo(message: object): Promise<unknown[]> {
  const answers: { id: string }[] = [];
  page.addEventListener('message', ({ data }: MessageEvent<{ id: string }>) => answers.push(data));
  page.start();
  page.postMessage({ id: 'raw', ...message });
  page.postMessage({ id: 'honest', type: 'APPLY', path: ['storage'], argumentList: [raw(null)] });
  await eventually(() => expect(answers.map(({ id }) => id)).toContain('honest'));
  return answers.filter(({ id }) => id !== 'honest');
}

test('[WB4] a call of an allowed name is answered', async () => {
  const remote = wrap<{ storage(request: null): Promise<unknown> }>(page);
  expect(await remote.storage(null)).toEqual({ outcome: { ok: true, value: 'storage' }, seen: 0 });
  expect(answered).toEqual([['storage', null]]);
});

const attacks: Record<string, object> = {
  'a SET through the prototype': { type: 'SET', path: ['__proto__', 'polluted'], value: raw('yes') },
  'a SET of an allowed name': { type: 'SET', path: ['storage'], value: raw('yes') },
  'a GET of the prototype': { type: 'GET', path: ['__proto__'] },
  'a GET of an allowed name': { type: 'GET', path: ['storage'] },
  'a way to the constructor of functions': { type: 'GET', path: ['storage', 'constructor', 'constructor'] },
  'a call of the constructor of functions': {
    type: 'APPLY',
    path: ['storage', 'constructor', 'constructor'],
    argumentList: [raw('globalThis.polluted = 1')],
  },
  'a call through an allowed name': { type: 'APPLY', path: ['storage', 'call'], argumentList: [raw(null)] },
  'a call of an inherited name': { type: 'APPLY', path: ['toString'], argumentList: [raw(null)] },
  'a call of a name that is not allowed': { type: 'APPLY', path: ['openSession'], argumentList: [raw(null)] },
  'a call of nothing': { type: 'APPLY', path: [], argumentList: [raw(null)] },
  'a construction': { type: 'CONSTRUCT', path: ['storage'], argumentList: [raw(null)] },
  'a request for another endpoint': { type: 'ENDPOINT', path: [] },
  'a release': { type: 'RELEASE', path: [] },
  'an argument with a transfer handler': {
    type: 'APPLY',
    path: ['storage'],
    argumentList: [{ type: 'HANDLER', name: 'throw', value: { isError: false, value: 'thrown' } }],
  },
  'a call with more arguments': { type: 'APPLY', path: ['storage'], argumentList: [raw(null), raw(null)] },
  'a path that is not a list': {
    type: 'APPLY',
    path: { 0: 'storage', length: 1 },
    argumentList: [raw(null)],
  },
};

test.each(Object.entries(attacks))('[WB4] %s is dropped', async (_name, message) => {
  expect(await answersTo(message)).toEqual([]);
  expect(answered).toEqual([['storage', null]]);
  expect('polluted' in {}).toBe(false);
  expect('polluted' in globalThis).toBe(false);
});
