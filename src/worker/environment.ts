import type { RuntimeEnvironment as Environment } from '../contract/environment.ts';
import { RuntimeEnvironmentBuilder } from './environment-builder.ts';

/** What all sessions of a worker share; immutable once built. */
export type RuntimeEnvironment = Environment;

/** Makes environments: step by step, or with every default. */
export const RuntimeEnvironment: {
  /** A builder with every field at its default. */
  readonly builder: () => RuntimeEnvironmentBuilder;
  /** An environment with every field at its default: sessions and attachments in memory of its own, no trace. */
  readonly default: () => Environment;
} = Object.freeze({
  builder: () => new RuntimeEnvironmentBuilder(),
  default: () => new RuntimeEnvironmentBuilder().build(),
});
