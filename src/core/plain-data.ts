import { LashError } from './error.ts';
import { findNonJson } from './json.ts';

/** Refuses what is not JSON data. The error names the place, behind `root`, and what it is `of`. @throws `NotData` */
export function refuseNonData(value: unknown, root = '$', of = ''): void {
  const path = findNonJson(value, root);
  if (path !== undefined) throw new LashError('NotData', `${path}${of} is not plain data`, { path });
}
