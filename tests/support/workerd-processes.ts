import { readdirSync, readFileSync } from 'node:fs';

/** The ids of the workerd processes that this process has started, with their status in `/proc`. Empty outside of Linux. */
export function workerdProcesses(): ReadonlyMap<number, string> {
  const all = idsOfAll().map((id) => [id, statusOf(id)] as const);
  return new Map(
    all.filter(
      ([, status]) =>
        /^Name:\s+workerd$/m.test(status) && new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status),
    ),
  );
}

function idsOfAll(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function statusOf(id: number): string {
  try {
    return readFileSync(`/proc/${id}/status`, 'utf8');
  } catch {
    // The process has ended.
    return '';
  }
}
