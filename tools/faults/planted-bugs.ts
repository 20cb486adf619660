import type { OurHub } from '../simulator/scenario';
import type { Mistake } from './planted-mistake';

export interface PlantedBug extends Mistake {
  /** Where it shows; without it, in worlds with the hub on KV. */
  readonly hub?: OurHub;
  /** A seed that catches it, so that the test need not look for one. */
  readonly seed?: number;
}

const TABLE = 'presence/session-table.ts';
const STORE = 'presence/presence-store.ts';
const HUB = 'presence/kv-hub.ts';
const TIMING = 'presence/timing.ts';
const ROOM_HUB = 'presence/room-hub.ts';
const ROOM_SESSIONS = 'presence/room-sessions.ts';
const ROOM = 'presence/room.ts';

const inTheRoom = (bugs: readonly PlantedBug[]): readonly PlantedBug[] =>
  bugs.map((bug) => ({ ...bug, hub: 'durable-object' }));

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    seed: 17,
    name: 'TTL off by one millisecond',
    file: TABLE,
    right: 'now - ttlMs)',
    wrong: 'now - ttlMs - 1)',
  },
  {
    seed: 17,
    name: 'grace for own sessions',
    file: TABLE,
    right: 'now - ttlMs)',
    wrong: 'now - this.#timing.keepMs)',
  },
  {
    seed: 5,
    name: 'no grace',
    file: TIMING,
    right: 'const graceMs = onTimeMs + Math.ceil(Math.max(againMs, 0))',
    wrong: 'const graceMs = 0',
  },
  {
    seed: 22,
    name: 'no tombstones',
    file: TABLE,
    right: 'this.#left.set(id, null, now,',
    wrong: 'void (id, null, now,',
  },
  {
    seed: 11,
    name: 'tombstones forgotten with the session',
    file: TABLE,
    right: 'this.#left.expire(now - rememberMs)',
    wrong: 'this.#left.expire(now - ttlMs)',
  },
  {
    seed: 17,
    name: 'expired sessions forgotten',
    file: TABLE,
    right: 'return expired !== undefined &&',
    wrong: 'return false &&',
  },
  {
    seed: 5,
    name: 'merge keeps the older',
    file: 'presence/session.ts',
    right: 'return a.lastSeen > b.lastSeen',
    wrong: 'return a.lastSeen < b.lastSeen',
  },
  {
    seed: 52,
    name: 'leave that beats a later heartbeat',
    file: 'presence/session.ts',
    right: 'if (a.lastSeen !== b.lastSeen) return',
    wrong:
      'if (a.mood === null || b.mood === null) return a.mood === null;\n  if (a.lastSeen !== b.lastSeen) return',
  },
  {
    seed: 10,
    name: 'put without merge',
    file: TABLE,
    right: 'all.set(id, theirs);',
    wrong: '',
  },
  {
    seed: 20,
    name: 'a stale read forgets peers',
    file: HUB,
    right: 'const isNewer = read === undefined || overrules(known, read)',
    wrong: 'const isNewer = read !== undefined && overrules(known, read)',
  },
  {
    seed: 2,
    name: 'peers not deduplicated',
    file: HUB,
    right: 'if (record !== undefined && record.mood !== null) this.#elsewhere.delete(id);',
    wrong: '',
  },
  {
    seed: 2,
    name: 'sessions heard elsewhere stay own',
    file: TABLE,
    right: 'this.#live.delete(id);\n    this.#left',
    wrong: 'this.#left',
  },
  {
    seed: 5,
    name: 'ages frozen between syncs',
    file: HUB,
    right: 'this.#elsewhere.expire(now - this.#timing.keepMs);',
    wrong: '',
  },
  {
    seed: 31,
    name: 'lease too short',
    file: TIMING,
    right: '(2 * ttlMs) / 3)) + arrivalMs',
    wrong: '(2 * ttlMs) / 3)) + Math.ceil(arrivalMs / 3)',
  },
  {
    seed: 8,
    name: 'lease never ends',
    file: 'presence/location-summaries.ts',
    right: 'if (end <= now)',
    wrong: 'if (end < 0)',
  },
  {
    seed: 11,
    name: 'summary of own sessions only',
    file: HUB,
    right: 'const moods = addCounts(own.counts, this.#elsewhere.counts);',
    wrong: 'const moods = own.counts;',
  },
  {
    seed: 5,
    name: 'rests without having said so',
    file: HUB,
    right: 'this.#isAlone(own) && this.#promisedRest(summary)',
    wrong: 'this.#isAlone(own)',
  },
  {
    seed: 5,
    name: 'the rest of a writer is not believed',
    file: HUB,
    right: 'lastSeen + (rests ? this.#timing.restMs : restMs)',
    wrong: 'lastSeen',
  },
  {
    seed: 2,
    name: 'a session that ends while its writer rests waits for the refresh',
    file: HUB,
    right: 'this.#earlyWrites.isLeft(now) && hasEnded(stored, own)',
    wrong: 'false',
  },
  {
    seed: 52,
    name: 'another writer forgets which sessions rest',
    file: HUB,
    right: 'peer !== undefined && peer.heardAt > peer.lastSeen',
    wrong: 'false && peer !== undefined',
  },
  {
    seed: 2,
    name: 'a reader keeps what the writer has taken back',
    file: HUB,
    right: 'isLater ? { ...entry, heardAt: entry.lastSeen } : entry',
    wrong: 'entry',
  },
  {
    seed: 19,
    name: 'first sync not awaited',
    file: STORE,
    right: 'needed ? now + SYNC_WAIT_MAX_MS : now',
    wrong: 'needed ? now : now',
  },
  {
    seed: 7,
    name: 'backs off for minutes',
    file: STORE,
    right: 'Math.min(RETRY_MIN_MS * 2 ** this.#failures, this.#timing.syncIntervalMs)',
    wrong: 'Math.min(RETRY_MIN_MS * 2 ** this.#failures, 300_000)',
  },
  {
    seed: 11,
    name: 'a sync that hangs is waited for without end',
    file: STORE,
    right: 'this.#giveUpSilentSync(now);\n    if (this.#flight',
    wrong: 'if (this.#flight',
  },
  ...inTheRoom([
    {
      seed: 20,
      name: 'what a lost call told counts as told',
      file: ROOM_HUB,
      right: 'const answer = await this.#room()',
      wrong: 'this.#untold.clear();\n    const answer = await this.#room()',
    },
    {
      seed: 5,
      name: 'a room that starts anew is told nothing again',
      file: ROOM_HUB,
      right:
        'if (record.mood === null || theirs === undefined || overrules(record, theirs)) this.#untold.add(id);',
      wrong: '',
    },
    {
      seed: 2,
      name: 'nobody asks for who expires here',
      file: ROOM_HUB,
      right: '[...this.#untold, ...expiring]',
      wrong: '[...this.#untold]',
    },
    {
      seed: 3,
      name: 'who expires here is asked for too late',
      file: ROOM_HUB,
      right: 'this.#world.now() + soonMs - ttlMs',
      wrong: 'this.#world.now() - ttlMs',
    },
    {
      seed: 2,
      name: 'a claim leaves the session with the others',
      file: ROOM_HUB,
      right: 'return this.#elsewhere.delete(id) ??',
      wrong: 'return this.#elsewhere.get(id) ??',
    },
    {
      seed: 5,
      name: 'the last word of the room counts for ever',
      file: ROOM_HUB,
      right: 'this.#elsewhere = new Roster();\n    this.#known',
      wrong: 'this.#known',
    },
    {
      seed: 1,
      name: 'who leaves is no news to a replica that once let him expire',
      file: ROOM_HUB,
      right: 'for (const id of this.#left.keys()) this.#elsewhere.delete(id);',
      wrong: '',
    },
    {
      seed: 3,
      name: 'what comes between two syncs waits for another request',
      file: STORE,
      right: 'if (!isAtWork) defer(this.#runPublisher(now + PUBLISH_MAX_MS, defer));',
      wrong: '',
    },
    {
      seed: 9,
      name: 'deferred tasks start syncs until the platform ends them',
      file: 'limits.ts',
      right: 'DEFERRED_MAX_MS - SYNC_ABANDON_MIN_MS',
      wrong: 'DEFERRED_MAX_MS + SYNC_ABANDON_MIN_MS',
    },
    {
      seed: 7,
      name: 'a sync whose request has ended blocks the next one for 30 s',
      file: TIMING,
      right: 'Math.min(Math.max(2 * syncIntervalMs, SYNC_ABANDON_MIN_MS), DEFERRED_MAX_MS)',
      wrong: 'Math.min(DEFERRED_MAX_MS, syncIntervalMs + SYNC_ABANDON_MIN_MS + DEFERRED_MAX_MS)',
    },
    {
      seed: 1,
      name: 'the room tells nobody who expired',
      file: ROOM_SESSIONS,
      right: 'this.#record(id);\n      return true;',
      wrong: 'return true;',
    },
    {
      seed: 1,
      name: 'the room tells nobody who changed the mood',
      file: ROOM_SESSIONS,
      right: 'this.#counts[mood] += 1;\n    this.#record(id)',
      wrong: 'this.#counts[mood] += 1;\n    if (known === undefined) this.#record(id)',
    },
    {
      seed: 1,
      name: 'the room lets the older win',
      file: ROOM_SESSIONS,
      right: '!overrules({ mood, lastSeen }, known)',
      wrong: 'overrules({ mood, lastSeen }, known)',
    },
    {
      seed: 5,
      name: 'the room forgets leaves',
      file: ROOM_SESSIONS,
      right: 'this.#left.set(id, tombstone);',
      wrong: '',
    },
    {
      seed: 5,
      name: 'the room has no place for tombstones',
      file: ROOM_SESSIONS,
      right: 'this.#left.size <= ROOM_TOMBSTONES_MAX',
      wrong: 'this.#left.size <= 0 * ROOM_TOMBSTONES_MAX',
    },
    {
      seed: 1,
      name: 'a session that is heard again expires all the same',
      file: ROOM_SESSIONS,
      right: 'this.#live.set(id, { mood, lastSeen, endsAt, step: known',
      wrong: 'this.#live.set(id, { mood, lastSeen, endsAt: known?.endsAt ?? endsAt, step: known',
    },
    {
      seed: 5,
      name: 'the room saves nothing',
      file: ROOM,
      right: 'this.#journal.append(sessions, this.#told, this.#sessions);',
      wrong: '',
    },
    {
      seed: 5,
      name: 'the room counts what it saved from when it reads it',
      file: ROOM,
      right: 'this.#sessions.learn(id, record, now) !== ',
      wrong: 'this.#sessions.learn(id, { ...record, lastSeen: now }, now) !== ',
    },
    {
      seed: 1,
      name: 'the room takes in no newcomer',
      file: ROOM_SESSIONS,
      right: 'this.#live.size >= ROOM_SESSIONS_MAX',
      wrong: 'this.#live.size >= 0 * ROOM_SESSIONS_MAX',
    },
  ]),
];
