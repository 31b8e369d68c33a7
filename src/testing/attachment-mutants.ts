import type { AttachmentStore } from '../contract/attachments.ts';
import type { AttachmentStoreContext } from './attachment-context.ts';
import { changed, type Mutant } from './mutant.ts';

/** A broken attachment store. */
export type AttachmentMutant = Mutant<AttachmentStoreContext>;

/** A mutant whose stores are changed, each tab's alike. */
function stores(
  name: string,
  breaks: string,
  change: (store: AttachmentStore) => Partial<AttachmentStore>,
): AttachmentMutant {
  return {
    name,
    breaks,
    make: (context) => ({
      ...context,
      store: changed(context.store, change(context.store)),
      reopen: async () => {
        const again = await context.reopen();
        return changed(again, change(again));
      },
    }),
  };
}

/** Broken attachment stores. `attachmentStoreConformance` must fail each of them on some case. */
export const attachmentMutants: readonly AttachmentMutant[] = [
  stores('the id is another one', 'AT2: the id is the SHA-256 of the bytes', (store) => ({
    put: async (bytes, meta, owner) => {
      const ref = await store.put(bytes, meta, owner);
      return { ...ref, id: ref.id.toUpperCase() };
    },
    get: (id) => store.get(id.toLowerCase()),
    find: async (id) => {
      const ref = await store.find(id.toLowerCase());
      return ref && { ...ref, id };
    },
  })),
  {
    name: 'the same bytes are counted again',
    breaks: 'AT2: the same bytes are stored once',
    make: (context) => {
      let total = 0;
      const change = (store: AttachmentStore): Partial<AttachmentStore> => ({
        put: async (bytes, meta, owner) => {
          const ref = await store.put(bytes, meta, owner);
          total += ref.byteLength;
          return ref;
        },
        totalBytes: async () => total,
      });
      return stores('', '', change).make(context);
    },
  },
  stores('the end is cut off', 'AT1: bytes are returned as they were put', (store) => ({
    get: async (id) => {
      const blob = await store.get(id);
      return blob.slice(0, Math.max(0, blob.size - 1), blob.type);
    },
  })),
  stores('any size is taken', 'AT3: more bytes than the limit are AttachmentTooLarge', (store) => ({
    put: (bytes, meta, owner) => {
      const blob = new Blob([bytes]);
      return store.put(blob.size > store.maxBytes ? blob.slice(0, store.maxBytes) : bytes, meta, owner);
    },
  })),
  stores('what is unknown is empty', 'AT4: an unknown id is AttachmentNotFound', (store) => ({
    get: async (id) => ((await store.find(id)) === null ? new Blob() : store.get(id)),
  })),
  stores('find forgets what list shows', 'AT5: find and list agree with get', () => ({
    find: async () => null,
  })),
  stores('lists what is sound', 'AT5: damage is listed', (store) => ({
    list: async (page) => {
      const { items, next } = await store.list(page);
      return { items: items.filter((item) => item.damage === undefined), next };
    },
  })),
  {
    name: 'a sweep ends at the first damage',
    breaks: 'AT6: a sweep goes on past what it cannot judge',
    make: (context) => ({
      ...context,
      sweep: async (keepYoungerThanMs) => {
        const { items } = await context.store.list();
        const broken = items.some((item) => item.damage !== undefined);
        return context.sweep(broken ? Infinity : keepYoungerThanMs);
      },
    }),
  },
  {
    name: 'a sweep is silent about what it could not judge',
    breaks: 'AT6: a sweep says what it could not judge',
    make: (context) => ({
      ...context,
      sweep: async (keepYoungerThanMs) => {
        const { error, ...report } = await context.sweep(keepYoungerThanMs);
        return error === undefined ? report : { ...report, status: 'Swept' };
      },
    }),
  },
  stores('one page is all', 'AT5: a list is read in pages', (store) => ({
    list: async (page) => ({ items: (await store.list(page)).items, next: null }),
  })),
  stores('an owner counts for nothing', 'AT6: an intent keeps bytes', (store) => ({
    put: (bytes, meta) => store.put(bytes, meta),
  })),
  {
    name: 'a sweep goes by what was put, and forgets commits',
    breaks: 'AT7: a committed reference has its bytes',
    make: (context) => {
      const gone = new Set<string>();
      const change = (store: AttachmentStore): Partial<AttachmentStore> => ({
        get: (id) => store.get(gone.has(id) ? '' : id),
        put: async (bytes, meta, owner) => {
          const ref = await store.put(bytes, meta, owner);
          gone.delete(ref.id);
          return ref;
        },
      });
      return {
        ...stores('', '', change).make(context),
        sweep: async (keepYoungerThanMs) => {
          const { items } = await context.store.list();
          for (const { ref } of keepYoungerThanMs === 0 ? items : []) gone.add(ref.id);
          return context.sweep(keepYoungerThanMs);
        },
      };
    },
  },
];
