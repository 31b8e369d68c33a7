import { WebSessionLeases } from '../../src/stores/leases/web-leases.ts';

/** Takes the lease of session `s` in the database that its name says, and tells how that went and when it lost it. */
const leases = new WebSessionLeases(self.name);
const lease = await leases.acquire('s');
if (lease !== null) {
  lease.lost.addEventListener('abort', () => self.postMessage('lost'));
  leases.subscribe('s', ({ kind }) => {
    if (kind === 'wanted') leases.publish('s', { kind: 'busy', turnId: 'of the worker' });
  });
}
self.postMessage(lease === null ? 'refused' : 'held');
