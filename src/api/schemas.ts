import * as z from 'zod/mini';
import { BADGE_LABEL_LENGTH_MAX, CHANNEL_NAMES_MAX, PROBLEM_ERRORS_MAX } from '../limits';
import { Mood, PresenceState, SessionId, WholeNumber } from '../presence/session';
import { ChannelName } from '../presence/session-key';
import { TROUBLES } from '../presence/trouble';

const jsonObject = { error: 'must be a JSON object' };

export const HeartbeatRequest = z.object({ sessionId: SessionId, mood: Mood }, jsonObject);

export const LeaveRequest = z.object({ sessionId: SessionId }, jsonObject);

export const LeaveResponse = z.object({ success: z.literal(true) });
export type LeaveResponse = z.infer<typeof LeaveResponse>;

export const ChannelParam = z.object({ channel: ChannelName });

const namesError = `must be 1 to ${CHANNEL_NAMES_MAX} names with commas between them`;

/** The query of `GET /api/channels`. */
export const ChannelNames = z.object({
  names: z.pipe(
    z.pipe(
      z.string({ error: namesError }),
      z.transform((list) => list.split(',', CHANNEL_NAMES_MAX + 1)),
    ),
    z.array(ChannelName).check(
      z.maxLength(CHANNEL_NAMES_MAX, { error: namesError }),
      z.superRefine((names, context) => {
        const seen = new Set<string>();
        for (const [index, name] of names.entries()) {
          if (seen.has(name))
            context.addIssue({
              code: 'custom',
              path: [index],
              message: 'must differ from the names before it',
            });
          seen.add(name);
        }
      }),
    ),
  ),
});

const labelError = `must have at most ${BADGE_LABEL_LENGTH_MAX} printable characters, without < and >`;

/** \p{C} includes the characters that change the direction of text. \u200c and \u200d join letters and emoji, so they are allowed. */
const LABEL = new RegExp(
  `^(?:[^<>\\p{C}\\p{Zl}\\p{Zp}]|[\\u200c\\u200d]){0,${BADGE_LABEL_LENGTH_MAX}}$`,
  'u',
);

/** The query of `GET /api/badge`. */
export const BadgeQuery = z.object({
  label: z._default(
    z.string({ error: labelError }).check(z.regex(LABEL, { error: labelError })),
    'breathing now',
  ),
});

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

/** The reasons in `/health`. A lowered setting leaves the status at `ok`. */
export const HEALTH_REASONS = [...TROUBLES, 'setting-lowered'] as const;

/** `lastSyncAgeMs`: time since the isolate's last successful sync; null before the first one, and without a hub. */
export const Health = z.object({
  status: z.enum(['ok', 'degraded']),
  reason: z.nullable(z.enum(HEALTH_REASONS)),
  hub: z.enum(['kv', 'durable-object', 'none']),
  lastSyncAgeMs: z.nullable(WholeNumber),
});
export type Health = z.infer<typeof Health>;

/** A problem document: https://www.rfc-editor.org/rfc/rfc9457. `requestId` comes with status 500 only. */
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
