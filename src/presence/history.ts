import * as z from 'zod/mini';
import { HISTORY_STEP_MS, HISTORY_STEPS } from '../limits';
import { WholeNumber } from './session';

/**
 * The last 24 hours of the default channel, in steps of five minutes. Steps begin at multiples of five minutes since 1970. The last
 * one is the step of `timestamp`, and still runs. All times are in ms since 1970.
 *
 * - `counts`: the most sessions at once in each step, the oldest step first.
 * - `peak`: the largest of `counts`, and the start of the latest step with that count.
 * - `visits`: the sessions that started in these steps.
 */
export const History = z.object({
  timestamp: z.int(),
  stepMs: z.literal(HISTORY_STEP_MS),
  counts: z.array(WholeNumber).check(z.length(HISTORY_STEPS)),
  peak: z.object({ count: WholeNumber, at: z.int() }),
  visits: WholeNumber,
});
export type History = Readonly<z.infer<typeof History>>;

/** Returns a history, and finds its peak. `counts` must end with the step of `timestamp`. */
export function historyOf(timestamp: number, counts: number[], visits: number): History {
  const count = Math.max(...counts);
  const step = Math.floor(timestamp / HISTORY_STEP_MS) + 1 - counts.length + counts.lastIndexOf(count);
  return { timestamp, stepMs: HISTORY_STEP_MS, counts, peak: { count, at: step * HISTORY_STEP_MS }, visits };
}
