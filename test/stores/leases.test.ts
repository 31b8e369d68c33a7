import { describe, expect, test } from 'vitest';

import { LocalSessionLeases } from '../../src/stores/leases/local-leases.ts';
import { WebSessionLeases } from '../../src/stores/leases/web-leases.ts';
import { leaseConformance } from '../../src/testing/lease-conformance.ts';

describe('leases within one process', () => {
  for (const { name, run } of leaseConformance) {
    test(name, async () => {
      const leases = new LocalSessionLeases();
      await run({ here: leases, elsewhere: leases });
    });
  }
});

describe('leases of the web on a platform without Web Locks', () => {
  const withoutLocks = async (run: () => Promise<void>): Promise<void> => {
    const names = ['navigator', 'BroadcastChannel'] as const;
    const own = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    for (const name of names)
      Object.defineProperty(globalThis, name, { value: undefined, configurable: true });
    try {
      await run();
    } finally {
      for (const [index, name] of names.entries()) {
        const descriptor = own[index];
        if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
        else Object.defineProperty(globalThis, name, descriptor);
      }
    }
  };

  for (const { name, run } of leaseConformance) {
    test(name, () =>
      withoutLocks(async () => {
        const leases = new WebSessionLeases('db');
        await run({ here: leases, elsewhere: leases });
      }),
    );
  }

  test('the platform is as it was afterwards', () => {
    expect(typeof BroadcastChannel).toBe('function');
  });
});
