import { describe, expect, it } from 'vitest';

import type { Residency } from '../../src/contract/environment.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import { eventually } from '../support/eventually.ts';
import { answers, expectInStep, openShared, sharedStorage, unavailable } from './stores.ts';
import { finish, plays, text } from './support.ts';

const RESIDENCIES: readonly Residency[] = ['KeepAll', 'ActivePathOnly'];
const code = (value: string): object => ({ code: value });
const note = (value: string): NodeDraft => ({
  createdAt: 1,
  body: { kind: 'plugin', pluginType: 'note', data: value },
});

describe('a commit that fails', () => {
  it.each(RESIDENCIES)(
    '[ST14] of the question, before it is stored: it is refused with the code, and a later turn works (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, answers('zero', 'two'), { residency });
      await runtime.turn('before').result;
      storage.faults.commit = async () => await Promise.reject(unavailable());
      await expect(runtime.turn('asked').result).rejects.toMatchObject(code('StorageUnavailable'));
      expect(runtime.view().turn).toBeNull();
      await expectInStep(runtime, storage);
      expect(JSON.stringify(runtime.view().window.nodes)).not.toContain('asked');
      expect(await runtime.pendingTurns()).toEqual([]);

      delete storage.faults.commit;
      expect((await runtime.turn('after').result).status).toBe('completed');
      await expectInStep(runtime, storage);
    },
  );

  const places = [
    ['the question, after it is stored', 0, true],
    ['the answer, before it is stored', 1, false],
    ['the answer, after it is stored', 1, true],
  ] as const;

  it.each(RESIDENCIES.flatMap((residency) => places.map((place) => [...place, residency] as const)))(
    '[ST14][ST17][TU6] of %s: the turn goes on when storage does, and nothing is there twice',
    async (_, place, isStored, residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, answers('zero', 'one', 'two'), { residency });
      await runtime.turn('before').result;
      const waits: unknown[] = [];
      runtime.subscribe((event) => {
        if (event.type === 'turn-waiting') waits.push(event.waits);
      });
      let commits = 0;
      storage.faults.commit = async (_request, proceed) => {
        if (commits++ !== place) return await proceed();
        if (isStored) await proceed();
        throw unavailable();
      };
      expect((await runtime.turn('asked').result).status).toBe('completed');
      expect(runtime.view().turn).toBeNull();
      expect(runtime.view().window.nodes).toHaveLength(4);
      await expectInStep(runtime, storage);
      const waited = [[{ kind: 'storage', code: 'StorageUnavailable' }], []];
      expect(waits).toEqual(place === 1 ? waited : []);

      delete storage.faults.commit;
      expect((await runtime.turn('after').result).status).toBe('completed');
      await expectInStep(runtime, storage);
      expect(runtime.usage().total.inputTokens).toBe(30);
      await runtime.close();
      await expectInStep(await openShared(storage, plays(), { residency }), storage);
    },
  );

  it('[ST17][TU5][TU6] of a turn that is stopped while storage is away is told when it is stored, once', async () => {
    const storage = sharedStorage();
    const model = plays([text('half'), 'hang']);
    const runtime = await openShared(storage, model);
    const ends: string[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'turn-finished') ends.push(event.result.status);
    });
    const turn = runtime.turn('asked');
    await eventually(() => expect(runtime.view().turn?.text).toBe('half'));
    const away = async (): Promise<never> => await Promise.reject(unavailable());
    storage.faults.commit = away;
    storage.faults.record = away;
    const stopped = turn.cancel();
    await eventually(() => expect(runtime.view().turn?.waits).toMatchObject([{ kind: 'storage' }]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ends).toEqual([]);
    delete storage.faults.commit;
    delete storage.faults.record;
    expect((await stopped).status).toBe('cancelled');
    expect(await runtime.pendingTurns()).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ends).toEqual(['cancelled']);
    expect(model.requests).toHaveLength(1);
    await expectInStep(runtime, storage);
  });

  it('[TU6] of a turn that ends is not told before it is stored, whatever keeps it from that, and no model is asked again', async () => {
    const storage = sharedStorage();
    const model = answers('one');
    const runtime = await openShared(storage, model);
    const ends: string[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'turn-finished') ends.push(event.result.status);
    });
    let fails = 4;
    storage.faults.commit = async ({ turn }, proceed) => {
      if (turn?.kind === 'end' && fails-- > 0) throw new Error('the disk is odd');
      expect(ends).toEqual([]);
      return await proceed();
    };
    expect(await runtime.turn('asked').result).toMatchObject({
      status: 'failed',
      error: { message: 'the disk is odd' },
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ends).toEqual(['failed']);
    expect(await runtime.pendingTurns()).toEqual([]);
    expect(model.requests).toHaveLength(1);
    await expectInStep(runtime, storage);
  });

  it('[ST17][TU6] of a turn whose session is closed while storage is away is not told: it goes on another time', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays([text('half'), 'hang']));
    const ends: string[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'turn-finished') ends.push(event.result.status);
    });
    const turn = runtime.turn('asked', { inputId: 't' });
    await eventually(() => expect(runtime.view().turn?.text).toBe('half'));
    const away = async (): Promise<never> => await Promise.reject(unavailable());
    storage.faults.commit = away;
    storage.faults.record = away;
    await runtime.close();
    await expect(turn.result).rejects.toMatchObject({ code: 'SessionClosed' });
    expect(ends).toEqual([]);
    delete storage.faults.commit;
    delete storage.faults.record;
    const again = await openShared(storage, answers('whole'));
    expect((await again.turn('asked', { inputId: 't' }).result).status).toBe('completed');
    await expectInStep(again, storage);
  });

  it('[ST4] that a store made good itself, and answers with a replay, is the commit that was asked for', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'));
    storage.faults.commit = async (_, proceed) => {
      await proceed();
      return await proceed();
    };
    expect((await runtime.turn('asked').result).status).toBe('completed');
    expect(runtime.view().window.nodes).toHaveLength(2);
    await expectInStep(runtime, storage);
  });

  it.each(RESIDENCIES)(
    '[ST4] that was done, and from which another writer had gone on before that was known, is acknowledged (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, answers('one'), { residency });
      const goOnElsewhere = async (operationId: string): Promise<void> => {
        const store = await storage.factory.open('s', { kind: 'open' });
        delete storage.faults.commit;
        const epoch = await store.takeLease();
        const { head } = await store.load({ kind: 'head' });
        const change = { kind: 'append', parentId: head.leaf, nodes: [note(operationId)] } as const;
        await store.commit({ operationId, expectedRevision: head.revision, epoch, change, usage: [] });
      };
      const overtake = (operationId: string): void => {
        storage.faults.commit = async (_, proceed) => {
          await proceed();
          await goOnElsewhere(operationId);
          return await proceed();
        };
      };
      overtake('first');
      const appended = await runtime.appendSessionNodes({ nodes: [note('mine').body] });
      expect(runtime.view().window.nodes.map(({ id }) => id)).toEqual([appended.leaf, 'first.0']);
      await expectInStep(runtime, storage);
      overtake('second');
      await runtime.branchToNode(appended.leaf);
      expect(runtime.view().head.leaf).toBe('second.0');
      await expectInStep(runtime, storage);
      expect((await runtime.turn('on').result).status).toBe('completed');
      await expectInStep(runtime, storage);
    },
  );

  it('[TU1] the same id with the same input is the same turn, with another one OperationConflict', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'));
    const result = await runtime.turn('asked', { inputId: 'mine' }).result;
    const { head } = runtime.view();
    expect(await runtime.turn('asked', { inputId: 'mine' }).result).toEqual(result);
    await expect(runtime.turn('other', { inputId: 'mine' }).result).rejects.toMatchObject(
      code('OperationConflict'),
    );
    await expect(runtime.turn('asked', { inputId: 'mine', from: null }).result).rejects.toMatchObject(
      code('OperationConflict'),
    );
    expect(runtime.view().head).toEqual(head);
    await runtime.close();
    const again = await openShared(storage, answers());
    expect(await again.turn('asked', { inputId: 'mine' }).result).toEqual(result);
    await expectInStep(again, storage);
  });

  it.each(RESIDENCIES)(
    '[ST14] what is committed is acknowledged although the branch points could not be read, and they come later (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, answers('one', 'two', 'three'), { residency });
      const unreadable = async (): Promise<never> => await Promise.reject(unavailable());
      await runtime.turn('asked').result;
      const [question, answer] = runtime.view().window.nodes;
      storage.faults.siblings = unreadable;
      expect((await runtime.turn('edited', { from: null }).result).status).toBe('completed');
      const { leaf } = runtime.view().head;
      expect(runtime.view().branches).toEqual({});
      await runtime.branchToNode(question?.id ?? '');
      expect(runtime.view().window.nodes).toEqual([question]);
      expect((await runtime.appendSessionNodes({ nodes: [note('x').body] })).nodeIds).toHaveLength(1);
      expect(runtime.view().branches).toEqual({});
      delete storage.faults.siblings;

      const { window } = await runtime.readView();
      const { branches } = runtime.view();
      expect(window.nodes).toEqual(runtime.view().window.nodes);
      const shown = [question?.id, runtime.view().head.leaf ?? ''];
      expect(Object.keys(branches)).toEqual(shown);
      expect(branches[shown[1] ?? '']?.siblings.map(({ nodeId }) => nodeId)).toEqual([answer?.id, shown[1]]);
      await expectInStep(runtime, storage);

      storage.faults.siblings = unreadable;
      await runtime.branchToNode(leaf);
      delete storage.faults.siblings;
      await runtime.setPolicy({ maxSteps: 2 });
      expect(runtime.view().branches).toEqual({});
      await runtime.appendSessionNodes({ nodes: [note('y').body] });
      expect(Object.keys(runtime.view().branches)).toEqual([runtime.view().window.nodes[0]?.id]);
      await expectInStep(runtime, storage);
    },
  );
});

describe('two writers of one session', () => {
  it.each(RESIDENCIES)(
    '[ST3] take turns: each one sees what the other wrote, nothing is lost (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const first = await openShared(storage, answers('1a', '1b'), { residency });
      const second = await openShared(storage, answers('2a', '2b'), { residency });
      for (const runtime of [first, second, first, second]) {
        expect((await runtime.turn('next').result).status).toBe('completed');
        await expectInStep(runtime, storage);
      }
      expect(second.view().window.nodes).toHaveLength(8);
    },
  );

  it.each(RESIDENCIES)(
    '[ST3][TU3] a turn whose tab is overtaken goes on in the other one, and both show what is stored (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const slow = await openShared(storage, plays([text('half'), 'hang'], [text('later'), finish()]), {
        residency,
      });
      const turn = slow.turn('slow');
      await turn.accepted;
      const fast = await openShared(storage, answers('quick'), { residency });
      await fast.takeOver({ force: true });
      expect((await turn.result).status).toBe('completed');
      expect((await fast.turn('slow', { inputId: turn.turnId }).result).status).toBe('completed');
      await expectInStep(fast, storage);
      expect(JSON.stringify(slow.view().window.nodes)).toContain('quick');
      expect((await slow.turn('again').result).status).toBe('completed');
      expect(slow.view().window.nodes).toHaveLength(4);
      await expectInStep(slow, storage);
    },
  );

  it('[ST3] two handles of one epoch: the slower one gets HeadRevisionConflict and then stands on the newest head', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'));
    await runtime.appendSessionNodes({ nodes: [note('mine').body] });
    storage.faults.commit = async ({ epoch, expectedRevision }, proceed) => {
      delete storage.faults.commit;
      const store = await storage.factory.open('s', { kind: 'open' });
      const change = { kind: 'append', parentId: null, nodes: [note('theirs')] } as const;
      await store.commit({ operationId: 'theirs', expectedRevision, epoch, change, usage: [] });
      return await proceed();
    };
    await expect(runtime.appendSessionNodes({ nodes: [note('more').body] })).rejects.toMatchObject(
      code('HeadRevisionConflict'),
    );
    await expectInStep(runtime, storage);
    expect(runtime.view().head.leaf).toBe('theirs.0');
    expect((await runtime.turn('go on').result).status).toBe('completed');
    await expectInStep(runtime, storage);
  });

  it('[ST2] an append that requires a node is StaleBranch once that is not on the path', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one', 'two'));
    await runtime.turn('first').result;
    const requires = runtime.view().head.leaf ?? '';
    const appended = await runtime.appendSessionNodes({ requires, nodes: [note('a').body, note('b').body] });
    expect(appended.nodeIds).toHaveLength(2);
    expect(appended.leaf).toBe(appended.nodeIds[1]);
    await runtime.branchToNode(null);
    await expect(runtime.appendSessionNodes({ requires, nodes: [note('c').body] })).rejects.toMatchObject({
      code: 'StaleBranch',
      data: { leaf: null },
    });
    await expectInStep(runtime, storage);
  });
});
