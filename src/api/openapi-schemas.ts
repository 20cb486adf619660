import * as z from 'zod/mini';
import { BADGE_LABEL_LENGTH_MAX, CHANNEL_NAMES_MAX, HISTORY_STEPS } from '../limits';
import { DEFAULT_MOOD, MOODS } from '../moods';
import { History, historyOf } from '../presence/history';
import { type MoodCounts, SessionId, totalOf, ZERO_COUNTS } from '../presence/session';
import { Badge, ChannelStates, HEALTH_REASONS, Health, LeaveResponse, PresenceState } from './answer-schemas';
import { badgeOf, DEFAULT_LABEL } from './badge';
import { BadgeQuery, ChannelParam, HeartbeatRequest, LeaveRequest } from './request-schemas';

// The schemas with descriptions, for the OpenAPI document.

const SESSION = '5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10';

/** Sessions per mood in the examples. With more moods the list repeats. */
const EXAMPLE_COUNTS = [10, 15, 10, 7];
const exampleMoods = Object.fromEntries(
  MOODS.map((mood, n) => [mood, EXAMPLE_COUNTS[n % EXAMPLE_COUNTS.length]]),
) as MoodCounts;

const state = { count: totalOf(exampleMoods), moods: exampleMoods };
const empty = { count: 0, moods: ZERO_COUNTS };

/** The sessions in each of the last ten hours. An hour has 12 steps. */
const LAST_HOURS = [1, 1, 2, 4, 9, 17, 42, 38, 21, 12];
const day = Array.from({ length: HISTORY_STEPS }, (_, n) => LAST_HOURS[Math.floor(n / 12) - 14] ?? 0);

/** Example requests, and their answers. The presence state counts the session of the heartbeat. */
export const EXAMPLES = {
  heartbeat: { sessionId: SESSION, mood: DEFAULT_MOOD },
  presence: { ...state, timestamp: 1704067200000 },
  channel: 'lobby',
  names: 'lobby,post-7',
  channels: { channels: { lobby: state, 'post-7': empty }, timestamp: 1704067200000 },
  history: historyOf(1704067200000, day, 212),
  label: DEFAULT_LABEL,
  badge: badgeOf(state.count),
  leave: { sessionId: SESSION },
  left: { success: true },
  health: { status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: 4000 },
} as const;

const sessionId = SessionId.check(
  z.meta({
    description: 'An anonymous UUID that the client creates, in upper or lower case. One id counts once.',
  }),
);
const mood = HeartbeatRequest.shape.mood.check(z.meta({ id: 'Mood' }));
const { count, moods, timestamp } = PresenceState.shape;
const { status, reason, hub, lastSyncAgeMs } = Health.shape;

export const heartbeatRequest = z
  .extend(HeartbeatRequest, { sessionId, mood })
  .check(z.meta({ id: 'HeartbeatRequest' }));
export const leaveRequest = z.extend(LeaveRequest, { sessionId }).check(z.meta({ id: 'LeaveRequest' }));
export const leaveResponse = LeaveResponse.check(z.meta({ id: 'LeaveResponse' }));
export const presenceState = z
  .extend(PresenceState, {
    count: count.check(z.meta({ description: 'The number of present sessions: the sum of `moods`.' })),
    moods: moods.check(
      z.meta({ description: 'The number of present sessions in each mood. Every mood is a key.' }),
    ),
    timestamp: timestamp.check(z.meta({ description: 'The clock of the server, in ms since 1970.' })),
  })
  .check(z.meta({ id: 'PresenceState' }));

/** What each reason of `/health` means. */
const REASONS: Record<(typeof HEALTH_REASONS)[number], string> = {
  'no-hub': '`PRESENCE_KV` is not bound. Each isolate counts its own sessions only.',
  'many-replicas':
    'The server passes different bindings with each request. Each request has a replica of its own.',
  'sync-failed':
    'The last sync with the hub failed. Sessions of other isolates count as of the last successful sync.',
  'list-failed':
    'The last listing of KV failed. Sessions of other locations count as of the last successful listing.',
  'too-many-sessions': 'The isolate or the room is full. Sessions beyond its limit are not counted.',
  'too-many-channels': 'As many channels have sessions as `CHANNELS_MAX` allows. Further ones are refused.',
  'no-limiter':
    '`NEW_SESSION_LIMIT` is `on`, and `NEW_SESSIONS` is not bound, or `NEW_CHANNELS` with a prefix in `CHANNELS`. New sessions are not limited.',
  'limiter-failed':
    'The last call to the limiter failed. New sessions are not limited until a call succeeds.',
  'setting-lowered':
    'A setting is above its safe limit and is lowered. The log names it. `status` stays `ok`.',
};

const REASON = `The most severe fault, or \`null\` if there is none.

| reason | meaning |
|---|---|
${HEALTH_REASONS.map((name) => `| \`${name}\` | ${REASONS[name]} |`).join('\n')}`;

export const channel = ChannelParam.shape.channel.check(
  z.meta({
    description: `The name of a channel. Case matters. The setting \`CHANNELS\` of the service decides which names it has.`,
    example: EXAMPLES.channel,
  }),
);
export const names = z.string().check(
  z.meta({
    description: `1 to ${CHANNEL_NAMES_MAX} different names of channels, with commas between them.`,
    example: EXAMPLES.names,
  }),
);
export const channelStates = z
  .extend(ChannelStates, {
    channels: ChannelStates.shape.channels.check(
      z.meta({
        description: 'The counts by name, in no order. An empty channel has zeros.',
      }),
    ),
    timestamp,
  })
  .check(z.meta({ id: 'ChannelStates' }));

export const history = z
  .extend(History, {
    timestamp: timestamp.check(
      z.meta({
        description:
          'The clock of the server when it made the answer, in ms since 1970. The answer is at most one minute old, or five while the room does not answer.',
      }),
    ),
    stepMs: History.shape.stepMs.check(z.meta({ description: 'The length of a step in ms: five minutes.' })),
    counts: History.shape.counts.check(
      z.meta({
        description:
          'The most sessions that were present at once in each step, the oldest step first. Steps begin at multiples of `stepMs` since 1970. The last one is the step of `timestamp`, and still runs. Before the first start of the room the counts are 0.',
      }),
    ),
    peak: z.extend(History.shape.peak, {
      count: History.shape.peak.shape.count.check(z.meta({ description: 'The largest of `counts`.' })),
      at: History.shape.peak.shape.at.check(
        z.meta({
          description: 'The start of the latest step with that count, in ms since 1970.',
        }),
      ),
    }),
    visits: History.shape.visits.check(
      z.meta({
        description:
          'The sessions that started in these steps. A session that moves, reconnects, or returns within its time to live is no further visit. A later return is one. A session of less than about a second may be missing. Bots count too.',
      }),
    ),
  })
  .check(z.meta({ id: 'History' }));

export const label = BadgeQuery.shape.label.check(
  z.meta({
    description: `The left text of the badge, with at most ${BADGE_LABEL_LENGTH_MAX} printable characters, without \`<\` and \`>\`.`,
    default: DEFAULT_LABEL,
    example: EXAMPLES.label,
  }),
);
export const badge = z
  .extend(Badge, {
    schemaVersion: Badge.shape.schemaVersion.check(z.meta({ description: 'The version of the format.' })),
    label: Badge.shape.label.check(z.meta({ description: 'The label of the request.' })),
    message: Badge.shape.message.check(
      z.meta({
        description: 'The number of present sessions of the default channel.',
      }),
    ),
    color: Badge.shape.color.check(
      z.meta({ description: 'A CSS colour. It is a grey for a count of zero.' }),
    ),
  })
  .check(z.meta({ id: 'Badge' }));

export const health = z
  .extend(Health, {
    status: status.check(
      z.meta({
        description:
          '`degraded` while counts are wrong or new sessions are not limited. Requests are still answered.',
      }),
    ),
    reason: reason.check(z.meta({ description: REASON })),
    hub: hub.check(z.meta({ description: 'The hub through which isolates exchange their sessions.' })),
    lastSyncAgeMs: lastSyncAgeMs.check(
      z.meta({
        description:
          'Time in ms since the last successful sync of this isolate. `null` before the first sync, and without a hub.',
      }),
    ),
  })
  .check(z.meta({ id: 'Health' }));
