import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of each thread of a process (ns), by thread id. */
type ThreadTimes = ReadonlyMap<string, number>;

/** Returns no threads without Linux and its schedstat. /proc/<pid>/stat counts in steps of 10 ms, too coarse for short turns. */
export function threadTimes(processId: number): ThreadTimes {
  const folder = `/proc/${processId}/task`;
  try {
    return new Map(readdirSync(folder).map((thread) => [thread, timeOf(`${folder}/${thread}/schedstat`)]));
  } catch {
    return new Map();
  }
}

/** The CPU time of all threads between two readings (µs), or NaN without readings. A thread that ended adds nothing. */
export function microsecondsBetween(before: ThreadTimes, after: ThreadTimes): number {
  if (before.size === 0 || after.size === 0) return Number.NaN;
  let nanoseconds = 0;
  for (const [thread, time] of after) nanoseconds += time - (before.get(thread) ?? 0);
  return nanoseconds / 1_000;
}

/** The first field of schedstat is the time on a CPU. */
const timeOf = (file: string) => Number(readFileSync(file, 'utf8').split(' ')[0]);
