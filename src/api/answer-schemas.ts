import * as z from 'zod/mini';
import { PROBLEM_ERRORS_MAX } from '../limits';
import { MoodCounts, type PresenceState as State, WholeNumber } from '../presence/session';
import { ChannelName } from '../presence/session-key';
import { TROUBLES } from '../presence/trouble';

// The schemas of answers, for the OpenAPI document and for tests. The Worker imports only their types.

/** The schema of the type that the Worker uses. The compiler compares the two. */
export const PresenceState = z.object({
  count: WholeNumber,
  moods: MoodCounts,
  timestamp: z.int(),
}) satisfies z.ZodMiniType<State>;
export type PresenceState = State;

export const LeaveResponse = z.object({ success: z.literal(true) });
export type LeaveResponse = z.infer<typeof LeaveResponse>;

/** A badge: https://shields.io/badges/endpoint-badge. `message` is the count. */
export const Badge = z.object({
  schemaVersion: z.literal(1),
  label: z.string(),
  message: z.string(),
  color: z.string(),
});
export type Badge = z.infer<typeof Badge>;

/** The counts of several channels, by name. */
export const ChannelStates = z.object({
  channels: z.record(ChannelName, z.pick(PresenceState, { count: true, moods: true })),
  timestamp: PresenceState.shape.timestamp,
});

/** The reasons in `/health`. With the last one the status stays `ok`. */
export const HEALTH_REASONS = [...TROUBLES, 'setting-lowered'] as const;

/** `lastSyncAgeMs`: time since the last successful sync of the isolate; null before the first one, and without a hub. */
export const Health = z.object({
  status: z.enum(['ok', 'degraded']),
  reason: z.nullable(z.enum(HEALTH_REASONS)),
  hub: z.enum(['kv', 'durable-object', 'none']),
  lastSyncAgeMs: z.nullable(WholeNumber),
});
export type Health = z.infer<typeof Health>;

/** A problem document: https://www.rfc-editor.org/rfc/rfc9457. Only status 500 has `requestId`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** The errors in the body or the parameters; `pointer` is a JSON pointer as a URI fragment. */
  errors: z.optional(
    z.array(z.object({ pointer: z.string(), detail: z.string() })).check(z.maxLength(PROBLEM_ERRORS_MAX)),
  ),
  requestId: z.optional(z.guid()),
});
export type Problem = z.infer<typeof Problem>;
