/** `strict` survives a power cut; `relaxed` survives the end of the process. */
export type Durability = 'relaxed' | 'strict';
