import type { Scenario } from './scenario';

const MINUTE_MS = 60_000;
const WARM_UP_MS = 4 * MINUTE_MS;

/** When the phases of a run start and end (ms). */
export interface Phases {
  readonly start: number;
  /** The accuracy covers answers from then on. Every location shows the first crowd by then, unless the crowd gathers. */
  readonly measuredFrom: number;
  /** Until then sessions start and end, and faults happen. */
  readonly busyUntil: number;
  /** Until then no session starts or ends, and nothing fails. */
  readonly calmUntil: number;
  /** Until then no client sends a heartbeat. All stopped at once. */
  readonly goneUntil: number;
}

/** Returns the phases of a run that starts at `start`. */
export function phasesOf(scenario: Scenario, start: number): Phases {
  const { gatherSeconds, minutes, calmMinutes, goneMinutes } = scenario;
  const measuredFrom = start + (gatherSeconds === 0 ? WARM_UP_MS : 0);
  const busyUntil = measuredFrom + minutes * MINUTE_MS;
  const calmUntil = busyUntil + calmMinutes * MINUTE_MS;
  return { start, measuredFrom, busyUntil, calmUntil, goneUntil: calmUntil + goneMinutes * MINUTE_MS };
}
