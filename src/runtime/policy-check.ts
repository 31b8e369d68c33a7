import { LashError } from '../core/error.ts';
import { refuseNonData } from '../core/plain-data.ts';
import type { SessionPolicy } from '../core/policy.ts';

/** `policy` itself when a session can be run with it. @throws `InvalidInput`, `NotData` */
export function checkPolicy(policy: SessionPolicy): SessionPolicy {
  refuseNonData(policy, 'policy');
  if (policy.provider.id === '') throw invalid('policy.provider.id', 'is empty');
  checkCount('policy.maxSteps', policy.maxSteps);
  checkCount('policy.maxContextTokens', policy.maxContextTokens);
  return policy;
}

function checkCount(path: string, value: number | undefined): void {
  if (value !== undefined && (!Number.isInteger(value) || value < 1))
    throw invalid(path, 'must be a whole number from 1');
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
