import * as z from 'zod/mini';
import { BADGE_LABEL_LENGTH_MAX, CHANNEL_NAMES_MAX } from '../limits';
import { Mood, SessionId } from '../presence/session';
import { ChannelName } from '../presence/session-key';

const jsonObject = { error: 'must be a JSON object' };

export const HeartbeatRequest = z.object({ sessionId: SessionId, mood: Mood }, jsonObject);

export const LeaveRequest = z.object({ sessionId: SessionId }, jsonObject);

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
      z.check(({ value: names, issues }) => {
        const seen = new Set<string>();
        for (const [index, name] of names.entries()) {
          if (seen.has(name))
            issues.push({
              code: 'custom',
              path: [index],
              message: 'must differ from the names before it',
              input: name,
            });
          seen.add(name);
        }
      }),
    ),
  ),
});

const labelError = `must have at most ${BADGE_LABEL_LENGTH_MAX} printable characters, without < and >`;

/** `\p{C}` has the characters that change the direction of text. `\u200c` and `\u200d` join letters and emoji, so they are allowed. */
const LABEL = new RegExp(
  `^(?:[^<>\\p{C}\\p{Zl}\\p{Zp}]|[\\u200c\\u200d]){0,${BADGE_LABEL_LENGTH_MAX}}$`,
  'u',
);

/** The query of `GET /api/badge`. */
export const BadgeQuery = z.object({
  label: z.optional(z.string({ error: labelError }).check(z.regex(LABEL, { error: labelError }))),
});
