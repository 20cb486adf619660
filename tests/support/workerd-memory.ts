import { workerdProcesses } from './workerd-processes';

/** Memory that the workerd processes started by this one hold, in bytes. On Linux only. */
export function workerdBytes(): number {
  const ours = [...workerdProcesses().values()];
  if (ours.length === 0) throw new Error('No workerd found.');
  return ours.reduce((sum, status) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024, 0);
}
