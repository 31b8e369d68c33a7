import * as z from 'zod/mini';

/** What a tool takes that adds. */
export const numberPair = z.object({ a: z.number(), b: z.number() });
