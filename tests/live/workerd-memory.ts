import { readdirSync, readFileSync } from 'node:fs';

/** Memory that the workerd processes started by this one hold, in bytes. On Linux only. */
export function workerdBytes(): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ours = processes
    .map(statusOf)
    .filter((status) => /^Name:\s+workerd$/m.test(status))
    .filter((status) => new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status));
  if (ours.length === 0) throw new Error('No workerd found.');
  return ours.reduce((sum, status) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024, 0);
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
