import * as z from 'zod';
import { PROBLEM_ERRORS_MAX } from '../limits';
import { Mood, SessionId } from '../presence/session';
import { TROUBLES } from '../presence/trouble';

const jsonObject = { error: 'must be a JSON object' };

export const HeartbeatRequest = z.object({ sessionId: SessionId, mood: Mood }, jsonObject);

export const LeaveRequest = z.object({ sessionId: SessionId }, jsonObject);

export const LeaveResponse = z.object({ success: z.literal(true) });
export type LeaveResponse = z.infer<typeof LeaveResponse>;

/** The reasons in `/health`. A lowered setting leaves the status at `ok`. */
export const HEALTH_REASONS = [...TROUBLES, 'setting-lowered'] as const;

/** `lastSyncAgeMs`: time since the isolate's last successful sync; null before the first one, and without a hub. */
export const Health = z.object({
  status: z.enum(['ok', 'degraded']),
  reason: z.enum(HEALTH_REASONS).nullable(),
  hub: z.enum(['kv', 'durable-object', 'none']),
  lastSyncAgeMs: z.int().nonnegative().nullable(),
});
export type Health = z.infer<typeof Health>;

/** A problem document: https://www.rfc-editor.org/rfc/rfc9457. `requestId` comes with status 500 only. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** The errors in the body; `pointer` is a JSON pointer as a URI fragment. */
  errors: z
    .array(z.object({ pointer: z.string(), detail: z.string() }))
    .max(PROBLEM_ERRORS_MAX)
    .optional(),
  requestId: z.guid().optional(),
});
export type Problem = z.infer<typeof Problem>;
