import { describe, expect, it } from 'vitest';

import { describeError, toWireError } from '../../src/core/error.ts';
import { openTab, sessionsNamed, type Tab, workNamed } from './support.ts';

const failure = describeError('TaskLost', 'it is gone', { taskId: 't', attempt: 1 });

/** A tab with a task `t` that somebody else does. */
async function registered(): Promise<Tab> {
  const tab = await openTab(await sessionsNamed('s'), [workNamed('work').definition]);
  await tab.tasks.register({ id: 't' });
  return tab;
}

describe('[BH2] what does not have the shape that it must is refused by its place, and changes nothing', () => {
  it.each([
    ['outcome', undefined],
    ['outcome.state', { state: 'running' }],
    ['outcome.reason', { state: 'cancelled', reason: 5 }],
    ['outcome.reason', { state: 'cancelled' }],
    ['outcome.failure', { state: 'failed' }],
    ['outcome.failure', { state: 'failed', failure: 5 }],
    ['outcome.failure', { state: 'failed', failure: 'x' }],
    ['outcome.failure', { state: 'failed', failure: [] }],
    ['outcome.failure', { state: 'failed', failure: { ...failure, message: 'x'.repeat(20_000) } }],
    ['outcome.failure.lash', { state: 'failed', failure: { ...failure, lash: 2 } }],
    ['outcome.failure.code', { state: 'failed', failure: { ...failure, code: undefined } }],
    ['outcome.failure.message', { state: 'failed', failure: { ...failure, message: 5 } }],
    ['outcome.failure.retryable', { state: 'failed', failure: { ...failure, retryable: 'no' } }],
    ['outcome.failure.data', { state: 'failed', failure: { ...failure, data: null } }],
  ])('%s of an outcome, case %#', async (path, outcome) => {
    const { tasks } = await registered();
    const ended = tasks.complete('t', outcome as never);
    await expect(ended).rejects.toMatchObject({ code: 'InvalidInput', data: { path } });
    expect(await tasks.list()).toMatchObject([{ id: 't', state: 'running' }]);
  });

  it.each([
    ['id', 5],
    ['title', 5],
    ['producer', {}],
    ['parentTaskId', 7],
    ['parentTaskId', ''],
    ['childSessionId', []],
    ['childSessionId', 'x'.repeat(129)],
  ])('%s of a task, case %#', async (path, value) => {
    const { tasks } = await registered();
    for (const begun of [tasks.start({ name: 'work', [path]: value }), tasks.register({ [path]: value })])
      await expect(begun).rejects.toMatchObject({ code: 'InvalidInput', data: { path } });
    expect(await tasks.list({ ended: true })).toHaveLength(1);
  });

  it.each([
    ['state', { state: 'completed' }],
    ['progress', { progress: 5 }],
  ])('%s of an update', async (path, update) => {
    const { tasks } = await registered();
    const updated = tasks.update('t', update as never);
    await expect(updated).rejects.toMatchObject({ code: 'InvalidInput', data: { path } });
    expect(await tasks.list()).toMatchObject([{ state: 'running', progress: null }]);
  });

  it('the state of a registration, and the reason of a cancellation', async () => {
    const { tasks } = await registered();
    for (const [path, asked] of [
      ['state', tasks.register({ state: 'waiting' as never })],
      ['reason', tasks.cancel('t', 5 as never)],
    ] as const)
      await expect(asked).rejects.toMatchObject({ code: 'InvalidInput', data: { path } });
    expect(await tasks.list({ ended: true })).toMatchObject([{ id: 't', state: 'running' }]);
  });
});

it('[BH2] a failure that somebody else told is kept without its stack and its cause', async () => {
  const { tasks } = await registered();
  const told = { ...toWireError(new Error('it broke', { cause: new Error('why') })), more: 1 };
  const { lash, code, message, retryable, data } = told;
  expect(await tasks.complete('t', { state: 'failed', failure: told })).toMatchObject({ state: 'failed' });
  expect((await tasks.get('t')).failure).toEqual({ lash, code, message, retryable, data });
});
