import * as z from 'zod';
import { HISTORY_STEP_MS, HISTORY_STEPS } from '../limits';

const WholeNumber = z.int().nonnegative();

/**
 * The last 24 hours of the default channel, in steps of five minutes that begin at multiples of five minutes since 1970. The last step
 * is that of `timestamp` and still runs. All times are in ms since 1970.
 *
 * `counts`: the most sessions at once in each step, the oldest step first. `peak`: the largest of them, and when the latest step with it
 * began. `visits`: the sessions that came in these steps.
 */
export const History = z.object({
  timestamp: z.int(),
  stepMs: z.literal(HISTORY_STEP_MS),
  counts: z.array(WholeNumber).length(HISTORY_STEPS),
  peak: z.object({ count: WholeNumber, at: z.int() }),
  visits: WholeNumber,
});
export type History = Readonly<z.infer<typeof History>>;
