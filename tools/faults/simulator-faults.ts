import type { OurHub } from '../simulator/scenario';
import type { Fault } from './fault';

const OWN = 'presence/own-sessions.ts';
const REPLICA = 'presence/replica.ts';
const REMOTE = 'presence/remote-sessions.ts';
const ENTRIES = 'presence/kv/stored-entries.ts';
const SUMMARIES = 'presence/kv/location-summaries.ts';
const POLICY = 'presence/kv/write-policy.ts';
const SESSION = 'presence/session.ts';
const LOOP = 'presence/sync-loop.ts';
const SESSION_KEY = 'presence/session-key.ts';
const OPEN_CHANNELS = 'presence/open-channels.ts';
const STORE = 'presence/presence-store.ts';
const TIMING = 'presence/timing.ts';
const ROOM_HUB = 'presence/room/room-hub.ts';
const ROOM_PROTOCOL = 'presence/room/room-protocol.ts';
const ROOM_SESSIONS = 'presence/room/room-sessions.ts';
const HISTORY_STEPS = 'presence/room/history-steps.ts';
const ROOM_SAVER = 'presence/room/room-saver.ts';

type SimulatorFault = Omit<Fault, 'noticedBy'> & { readonly seed: number };
const noticedWith = (simulator: OurHub, faults: readonly SimulatorFault[]): readonly Fault[] =>
  faults.map(({ seed, ...fault }) => ({ ...fault, noticedBy: { simulator, seed } }));

/** Each fault makes a simulated world break an invariant. The seed gives such a world. */
// biome-ignore format: one fault, one line
export const SIMULATOR_FAULTS: readonly Fault[] = [
  ...noticedWith('kv', [
    { seed: 17, name: 'a session expires 1 ms late', file: OWN, within: '#setPresent', find: 'at + this.#timing.ttlMs', put: 'at + this.#timing.ttlMs + 1' },
    { seed: 17, name: 'an own session gets the grace of a stored one', file: OWN, within: '#setPresent', find: 'at + this.#timing.ttlMs', put: 'at + this.#timing.remoteTtlMs' },
    { seed: 5, name: 'a stored session gets no grace', file: TIMING, find: 'const graceMs = $GRACE', put: 'const graceMs = 0;' },
    { seed: 22, name: 'a leave stores no tombstone', file: OWN, within: 'leave', find: 'this.left.set($$$)', put: 'void 0' },
    { seed: 11, name: 'a tombstone expires with its session', file: OWN, find: 'at + this.#timing.tombstoneTtlMs', put: 'at + this.#timing.ttlMs' },
    { seed: 5, name: 'a merge keeps the older record', file: SESSION, find: 'a.lastSeen > b.lastSeen', put: 'a.lastSeen < b.lastSeen' },
    { seed: 52, name: 'a leave overrules a later heartbeat', file: SESSION, find: 'if (a.lastSeen !== b.lastSeen) $RETURN', put: 'if (a.mood === null || b.mood === null) return a.mood === null; if (a.lastSeen !== b.lastSeen) $RETURN' },
    { seed: 20, name: 'a write drops the sessions of other replicas', file: ENTRIES, find: 'store(id, entry, entry.expiresAt > $END)', put: 'void 0' },
    { seed: 20, name: 'a stale read drops stored sessions', file: REPLICA, find: 'known !== undefined && isNewerOrLonger(known, incoming)', put: 'false' },
    { seed: 2, name: 'a session that moves here is counted twice', file: REPLICA, within: 'heartbeat', find: 'this.#remote.delete(key)', put: 'void 0' },
    { seed: 2, name: 'a session that moves away is counted twice', file: OWN, within: 'remove', find: 'this.present.delete(key)', put: 'void 0' },
    { seed: 5, name: 'a stored session expires at syncs only', file: REMOTE, within: 'expire', find: 'this.present.expire(now)', put: 'void 0' },
    { seed: 46, name: 'the lease of a summary is too short', file: TIMING, find: '$LEASE + arrivalMs', put: '$LEASE + Math.ceil(arrivalMs / 3)' },
    { seed: 45, name: 'the lease of a summary never ends', file: SUMMARIES, find: 'Math.min(summary.until, $LEASE)', put: 'Number.MAX_SAFE_INTEGER' },
    { seed: 2, name: 'a summary counts own sessions only', file: REPLICA, within: 'countsOf', find: 'addCounts($OWN, $REMOTE)', put: '$OWN' },
    { seed: 5, name: 'a replica delays its refresh before it has stored that it is alone', file: POLICY, find: 'isAlone && lastWrite.isAlone', put: 'isAlone' },
    { seed: 5, name: 'a replica with peers delays its refresh as if it were alone', file: POLICY, find: 'isAlone && lastWrite.isAlone', put: 'true' },
    { seed: 5, name: 'a replica that is alone marks no session', file: ENTRIES, find: 'store(id, entry, isAlone)', put: 'store(id, entry, false)' },
    { seed: 12, name: 'a replica that holds all of a few sessions writes their ends only at its refresh', file: POLICY, find: 'ended > 0 && hasBudget', put: 'false' },
    { seed: 2, name: 'a replica stores no tombstone for its expired sessions', file: REPLICA, find: 'this.#own.endExpired($$$)', put: 'void 0' },
    { seed: 20, name: 'a replica ends a session before the replica that it moved to can store it', file: POLICY, find: 'isAlone ? ttlMs : endAfterMs', put: 'ttlMs' },
    { seed: 17, name: 'the tombstone of an expired session overrules later heartbeats', file: OWN, within: 'endExpired', find: 'lastSeen + 1', put: 'expiresAt' },
    { seed: 1, name: 'a replica does not repair a write that was overwritten', file: POLICY, find: 'storedRecord.lastSeen < oldest', put: 'false' },
    { seed: 22, name: 'a request does not wait for the first sync', file: LOOP, find: 'isAwaited ? now + SYNC_WAIT_MAX_MS : now', put: 'now' },
    { seed: 7, name: 'a replica retries a failed sync after minutes', file: LOOP, within: '#fail', find: 'Math.min($BACKOFF, $LONGEST)', put: 'Math.min($BACKOFF, 300_000)' },
    { seed: 11, name: 'a sync that hangs blocks all later syncs', file: LOOP, within: 'syncIfDue', find: 'this.#abandonOverdue(now)', put: 'void 0' },
  ]),
  ...noticedWith('durable-object', [
    { seed: 20, name: 'a lost call loses the sessions that it sent', file: OWN, within: 'outbox', find: 'return outbox', put: 'this.#unsent.clear(); return outbox;' },
    { seed: 5, name: 'a replica sends nothing again to a room that lost its memory', file: OWN, within: 'queueMissing', find: 'this.#unsent.add(key)', put: 'void 0' },
    { seed: 2, name: 'a replica never asks the room about its expiring sessions', file: OWN, within: 'outbox', find: 'outbox.set(key, entry)', put: 'void 0' },
    { seed: 3, name: 'a replica asks the room too late about its expiring sessions', file: ROOM_HUB, find: 'sentAt + $SOON + SYNC_WAIT_MAX_MS', put: 'sentAt' },
    { seed: 2, name: 'a session that moves to a replica of the room is counted twice', file: REPLICA, within: 'heartbeat', find: 'this.#remote.delete(key)', put: 'void 0' },
    { seed: 5, name: 'the last answer of the room never expires', file: REMOTE, find: 'now >= this.#validUntil', put: 'false' },
    { seed: 1, name: 'a replica ignores the leaves in the answer of the room', file: REPLICA, find: 'if (incoming.mood === null) this.#remote.delete(key)', put: 'if (incoming.mood === null) continue;' },
    { seed: 3, name: 'a change between two syncs waits for another request', file: LOOP, find: 'if (this.#options.timing.flushes && $NOT) $FLUSH', put: '' },
    { seed: 9, name: 'a flush starts syncs until the platform ends it', file: 'limits.ts', find: 'DEFERRED_MAX_MS - SYNC_ABANDON_MIN_MS', put: 'DEFERRED_MAX_MS + SYNC_ABANDON_MIN_MS' },
    { seed: 7, name: 'a sync of an ended request blocks the next sync for 30 s', file: TIMING, find: 'Math.min($MS, DEFERRED_MAX_MS)', put: 'DEFERRED_MAX_MS' },
    { seed: 1, name: 'the room sends no expiry to replicas', file: ROOM_SESSIONS, within: '#endIfExpired', find: 'this.#remove(key, session)', put: '(this.#present.delete(key), this.#counts.move(key, session.mood, null))' },
    { seed: 1, name: 'the room sends no change of mood to replicas', file: ROOM_SESSIONS, within: '#refresh', find: 'this.#addChange(key)', put: 'void 0' },
    { seed: 1, name: 'the room keeps the older record', file: ROOM_SESSIONS, find: '!overrules({ mood, lastSeen }, known)', put: 'overrules({ mood, lastSeen }, known)' },
    { seed: 5, name: 'the room stores no tombstone', file: ROOM_SESSIONS, find: 'this.#left.set(key, null, expiresAt, lastSeen)', put: 'void 0' },
    { seed: 5, name: 'the room drops each tombstone at once', file: ROOM_SESSIONS, find: 'this.#left.size <= ROOM_TOMBSTONES_MAX', put: 'false' },
    { seed: 1, name: 'a session expires in the room despite later heartbeats', file: ROOM_SESSIONS, find: 'session.expiresAt = expiresAt', put: 'void 0' },
    { seed: 5, name: 'the room saves nothing', file: ROOM_SAVER, find: 'journal.append($$$)', put: 'void 0' },
    { seed: 5, name: 'a room that restarts counts saved sessions as of its last save', file: 'presence/room/restore-sessions.ts', find: 'sessions.merge(key, record, savedAt, true)', put: 'sessions.merge(key, { ...record, lastSeen: savedAt }, savedAt, true)' },
    { seed: 3, name: 'the history forgets the sessions at the start of a step', file: HISTORY_STEPS, find: 'this.#rows.get(step) ?? $NEW', put: 'this.#rows.get(step) ?? { step, most: 0, last: this.#count, visits: 0 }' },
    { seed: 5, name: 'a room that restarts has no history', file: ROOM_SAVER, find: 'historyStore.write(history())', put: 'void 0' },
    { seed: 1, name: 'the room refuses all new sessions', file: ROOM_SESSIONS, find: 'this.#present.size >= ROOM_SESSIONS_MAX', put: 'true' },
  ]),
  // Only the room has named channels.
  ...noticedWith('durable-object', [
    { seed: 2, name: 'the key of a session lacks its channel', file: SESSION_KEY, within: 'sessionKey', find: 'channel === DEFAULT_CHANNEL ? id : $KEY', put: 'id' },
    { seed: 2, name: 'the sessions of all channels count in the default one', file: SESSION_KEY, within: 'channelOf', find: 'key.length === ID_LENGTH ? DEFAULT_CHANNEL : $NAME', put: 'DEFAULT_CHANNEL' },
    { seed: 2, name: 'each answer has the counts of the default channel', file: STORE, within: '#state', find: 'this.#replica.countsOf(channel)', put: 'this.#replica.counts' },
    { seed: 2, name: 'the sessions of channels are sent among those of the default channel', file: ROOM_PROTOCOL, within: 'recordsToWire', find: 'channelOf(key) === DEFAULT_CHANNEL ? ofDefault : ofNamed', put: 'ofDefault' },
    { seed: 2, name: 'a replica sends no session of a channel', file: ROOM_PROTOCOL, within: 'reportToWire', find: '{ channels: ofNamed }', put: '{ channels: new Map() }' },
    { seed: 11, name: 'the room sends no session of a channel', file: ROOM_PROTOCOL, within: 'answerToWire', find: '{ channels: ofNamed }', put: '{ channels: new Map() }' },
    { seed: 2, name: 'the number of channels has no maximum', file: OPEN_CHANNELS, within: 'isFull', find: 'this.#open.size >= this.#rules.max', put: 'false' },
    { seed: 2, name: 'replicas keep to the maximum of channels, and the room does not', file: ROOM_SESSIONS, within: 'merge', find: 'this.#openChannels.refuses($CHANNEL)', put: 'false' },
    { seed: 2, name: 'a listed channel opens like an unlisted one', file: OPEN_CHANNELS, within: 'wouldOpen', find: '!this.#rules.isListed(channel)', put: 'true' },
    { seed: 2, name: 'a channel without sessions stays open', file: OPEN_CHANNELS, within: 'close', find: 'this.#open.delete(channel)', put: 'void 0' },
  ]),
];
