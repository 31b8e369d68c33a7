import type { MaintenanceStatus } from '../../core/maintenance.ts';

const WORST_FIRST: readonly MaintenanceStatus[] = ['Failed', 'Refused', 'Incomplete', 'Swept', 'NothingToDo'];

/** Of two outcomes the worse one (law ST10). */
export function worseStatus(a: MaintenanceStatus, b: MaintenanceStatus): MaintenanceStatus {
  return WORST_FIRST.indexOf(a) < WORST_FIRST.indexOf(b) ? a : b;
}
