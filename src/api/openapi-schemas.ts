import * as z from 'zod';
import { CHANNEL_NAMES_MAX } from '../limits';
import { DEFAULT_MOOD, MOODS } from '../moods';
import { type MoodCounts, PresenceState, SessionId, totalOf, ZERO_COUNTS } from '../presence/session';
import {
  ChannelParam,
  ChannelStates,
  HEALTH_REASONS,
  Health,
  HeartbeatRequest,
  LeaveRequest,
  LeaveResponse,
} from './schemas';

// The schemas with descriptions, for the OpenAPI document.

const SESSION = '5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10';

/** Sessions per mood in the examples. With more moods the list repeats. */
const CROWD = [10, 15, 10, 7];
const crowd = Object.fromEntries(MOODS.map((mood, n) => [mood, CROWD[n % CROWD.length]])) as MoodCounts;

const state = { count: totalOf(crowd), moods: crowd };
const empty = { count: 0, moods: ZERO_COUNTS };

/** Example requests, and their answers. The presence state counts the session of the heartbeat. */
export const EXAMPLES = {
  heartbeat: { sessionId: SESSION, mood: DEFAULT_MOOD },
  presence: { ...state, timestamp: 1704067200000 },
  channel: 'lobby',
  names: 'lobby,post-7',
  channels: { channels: { lobby: state, 'post-7': empty }, timestamp: 1704067200000 },
  leave: { sessionId: SESSION },
  left: { success: true },
  health: { status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: 4000 },
} as const;

const sessionId = SessionId.meta({
  description: 'An anonymous UUID that the client creates, in upper or lower case. One id counts once.',
});
const mood = HeartbeatRequest.shape.mood.meta({ id: 'Mood' });
const { count, moods, timestamp } = PresenceState.shape;
const { status, reason, hub, lastSyncAgeMs } = Health.shape;

export const heartbeatRequest = HeartbeatRequest.extend({ sessionId, mood }).meta({ id: 'HeartbeatRequest' });
export const leaveRequest = LeaveRequest.extend({ sessionId }).meta({ id: 'LeaveRequest' });
export const leaveResponse = LeaveResponse.meta({ id: 'LeaveResponse' });
export const presenceState = PresenceState.extend({
  count: count.meta({ description: 'The number of present sessions: the sum of `moods`.' }),
  moods: moods.meta({ description: 'The number of present sessions in each mood. Every mood is a key.' }),
  timestamp: timestamp.meta({ description: 'The clock of the server, in ms since 1970.' }),
}).meta({ id: 'PresenceState' });

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

export const channel = ChannelParam.shape.channel.meta({
  description: `The name of a channel. Case matters. The setting \`CHANNELS\` of the service decides which names it has.`,
  example: EXAMPLES.channel,
});
export const names = z.string().meta({
  description: `1 to ${CHANNEL_NAMES_MAX} different names of channels, with commas between them.`,
  example: EXAMPLES.names,
});
export const channelStates = ChannelStates.extend({
  channels: ChannelStates.shape.channels.meta({
    description: 'The counts by name, in no order. An empty channel has zeros.',
  }),
  timestamp,
}).meta({ id: 'ChannelStates' });

export const health = Health.extend({
  status: status.meta({
    description:
      '`degraded` while counts are wrong or new sessions are not limited. Requests are still answered.',
  }),
  reason: reason.meta({ description: REASON }),
  hub: hub.meta({ description: 'The hub through which isolates exchange their sessions.' }),
  lastSyncAgeMs: lastSyncAgeMs.meta({
    description:
      'Time in ms since the last successful sync of this isolate. `null` before the first sync, and without a hub.',
  }),
}).meta({ id: 'Health' });
