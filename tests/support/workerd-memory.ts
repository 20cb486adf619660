import { workerdProcesses } from './workerd-processes';

/** The resident memory of the workerd processes that this process has started (bytes). On Linux only. */
export function workerdBytes(): number {
  const ours = [...workerdProcesses().values()];
  if (ours.length === 0) throw new Error('This process has started no workerd.');
  return ours.reduce((sum, status) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024, 0);
}
