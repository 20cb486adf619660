import { beforeEach, expect, it } from 'vitest';
import { Replica } from '../../../src/presence/replica';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { roomTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { ANNA, anna, BEN, NONE, recordsIn } from './replica-records';

const ROOM = roomTiming(30_000, 1_000);
const NOTHING = {
  records: NONE,
  isSnapshot: false,
  isRestart: false,
  includesChannels: true,
  sent: NONE,
  sentAt: 0,
};

let replica: Replica;
beforeEach(() => {
  replica = new Replica(ROOM);
});

it('a replica sends a change until the hub has it, and sends it again if the session changes meanwhile', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.heartbeat(BEN, 'presence', 0);
  replica.leave(BEN, 1);
  const sent = replica.outbox(0);
  expect(recordsIn(sent)).toEqual(
    new Map([
      [ANNA, { mood: 'presence', lastSeen: 1 }],
      [BEN, { mood: null, lastSeen: 2 }],
    ]),
  );
  replica.heartbeat(ANNA, 'presence', 500);
  replica.applyAnswer({ ...NOTHING, sent }, 1_000);
  expect([...replica.outbox(0).keys()]).toEqual([ANNA]);
});

it('an outbox holds expired and expiring sessions until the hub answers, or until a new heartbeat', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.heartbeat(BEN, 'presence', 10_000);
  replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 10_000);
  const outboxKeys = (expiringBy: number) => [...replica.outbox(expiringBy).keys()];
  expect(outboxKeys(29_999)).toEqual([]);
  expect(outboxKeys(39_999)).toEqual([ANNA]);
  expect(outboxKeys(40_000)).toEqual([ANNA, BEN]);
  replica.expire(40_000);
  expect(outboxKeys(0)).toEqual([ANNA, BEN]);
  replica.heartbeat(ANNA, 'presence', 40_000);
  expect(recordsIn(replica.outbox(0))).toEqual(
    new Map([
      [BEN, { mood: null, lastSeen: 10_000 }],
      [ANNA, { mood: 'presence', lastSeen: 40_000 }],
    ]),
  );
  replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 40_000);
  expect(outboxKeys(0)).toEqual([]);
});

it('a replica sends an expired session again while the hub counts it without a later heartbeat', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.expire(30_000);
  const records = anna('presence', 0);
  const sentAt = 30_000;
  replica.applyAnswer({ ...NOTHING, records, sent: replica.outbox(0), sentAt }, 30_000);
  expect(replica.counts).toEqual(ZERO_COUNTS);
  expect([...replica.outbox(0).keys()]).toEqual([ANNA]);
  const later = anna('release', 20_000);
  replica.applyAnswer({ ...NOTHING, records: later, sent: replica.outbox(0), sentAt }, 30_100);
  expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  expect([...replica.outbox(0).keys()]).toEqual([]);
});

it('a replica keeps remote sessions until the hub ends them, or for a TTL after the last answered call', () => {
  replica.applyAnswer({ ...NOTHING, records: anna('presence', 0), isSnapshot: true }, 0);
  replica.applyAnswer({ ...NOTHING, sentAt: 25_000 }, 26_000);
  replica.expire(54_999);
  expect(replica.counts.presence).toBe(1);
  expect(replica.remote.isStale).toBe(false);
  replica.expire(55_000);
  expect(replica.counts).toEqual(ZERO_COUNTS);
  expect(replica.remote.isStale).toBe(true);
  // A late answer to an earlier call makes the remembered sessions count again.
  replica.applyAnswer({ ...NOTHING, sentAt: 54_000 }, 55_100);
  expect(replica.counts.presence).toBe(1);
  replica.applyAnswer({ ...NOTHING, records: anna(null, 0), sentAt: 55_000 }, 56_000);
  expect(replica.counts).toEqual(ZERO_COUNTS);
});

it('an answer that arrives a TTL after its call adds no session', () => {
  const late = { ...NOTHING, records: anna('presence', 1), isSnapshot: true, sentAt: 1_000 };
  replica.applyAnswer(late, 30_999);
  expect(replica.counts.presence).toBe(1);
  replica.applyAnswer(late, 31_000);
  expect(replica.counts).toEqual(ZERO_COUNTS);
});

it('a replica queues the own sessions and tombstones that a restarted hub lacks, and returns true', () => {
  const CARL = sessionId(3);
  for (const id of [ANNA, BEN, CARL]) replica.heartbeat(id, 'presence', 0);
  replica.leave(CARL, 1);
  replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 1_000);
  const restart = { ...NOTHING, isSnapshot: true, isRestart: true };
  expect(replica.applyAnswer({ ...restart, records: anna('presence', 1) }, 2_000)).toBe(true);
  expect([...replica.outbox(0).keys()].sort()).toEqual([BEN, CARL].sort());
  const sent = replica.outbox(0);
  expect(replica.applyAnswer({ ...restart, records: anna('presence', 1), sent }, 3_000)).toBe(false);
  expect(replica.outbox(0).size).toBe(0);
});

it('an answer that a pin or an earlier leave contradicts shows that the hub is behind', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.pin(ANNA);
  expect(replica.applyAnswer({ ...NOTHING, records: anna(null, 500), sent: replica.outbox(0) }, 600)).toBe(
    true,
  );
  expect(recordsIn(replica.outbox(0))).toEqual(anna('presence', 500));
  replica.leave(BEN, 1_000);
  const ben = new Map([[BEN, { mood: 'presence' as const, lastSeen: 900 }]]);
  expect(replica.applyAnswer({ ...NOTHING, records: ben }, 1_100)).toBe(true);
  expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
});

it('a session has one own record after it expired and returned, and after it expired and left', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.expire(ROOM.ttlMs);
  replica.heartbeat(ANNA, 'presence', ROOM.ttlMs);
  expect([...replica.own]).toHaveLength(1);
  replica.expire(2 * ROOM.ttlMs);
  replica.applyAnswer({ ...NOTHING, records: anna('presence', 2 * ROOM.ttlMs - 1) }, 2 * ROOM.ttlMs);
  replica.leave(ANNA, 2 * ROOM.ttlMs);
  expect([...replica.own]).toHaveLength(1);
  expect(replica.outbox(0).size).toBe(1);
});

it('a replica forgets unsent tombstones and expired sessions after tombstoneTtlMs', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.heartbeat(BEN, 'presence', 0);
  replica.leave(BEN, 0);
  replica.expire(ROOM.tombstoneTtlMs - 1);
  expect(replica.outbox(0).size).toBe(2);
  replica.expire(ROOM.tombstoneTtlMs);
  expect(replica.outbox(0).size).toBe(0);
});

it('a replica has synced after its first answer, and a snapshot replaces the remote sessions', () => {
  expect(replica.hasSynced).toBe(false);
  replica.applyAnswer({ ...NOTHING, records: anna('presence', 1), isSnapshot: true }, 1);
  expect(replica.hasSynced).toBe(true);
  const ben = new Map([[BEN, { mood: 'release' as const, lastSeen: 2 }]]);
  replica.applyAnswer({ ...NOTHING, records: ben, isSnapshot: true }, 2);
  expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
});

it('a replica remembers a remote leave for two sync intervals, and a remote expiry ends a session', () => {
  replica.applyAnswer({ ...NOTHING, records: anna('presence', 5_000), isSnapshot: true }, 5_000);
  replica.applyAnswer({ ...NOTHING, records: anna(null, 5_500) }, 6_000);
  expect(replica.counts).toEqual(ZERO_COUNTS);
  expect(replica.admit(ANNA, 7_999)).toBe('known');
  expect(replica.admit(ANNA, 8_000)).toBe('new');
  replica.applyAnswer({ ...NOTHING, records: anna('presence', 9_000) }, 9_000);
  replica.applyAnswer({ ...NOTHING, records: anna(null, 0) }, 10_000);
  expect(replica.counts).toEqual(ZERO_COUNTS);
});

it('a replica forgets an expired session when the hub answers that it has ended', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.expire(30_000);
  replica.applyAnswer(
    { ...NOTHING, records: anna(null, 0), sent: replica.outbox(0), sentAt: 30_000 },
    30_000,
  );
  expect(replica.outbox(0).size).toBe(0);
});

it('a replica does not send a session that has moved to another replica, or one that the hub has expired', () => {
  replica.heartbeat(ANNA, 'presence', 0);
  replica.heartbeat(BEN, 'presence', 0);
  replica.applyAnswer({ ...NOTHING, records: anna('release', 5_000) }, 5_000);
  expect([...replica.outbox(0).keys()]).toEqual([BEN]);
  replica.expire(30_000);
  replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0), sentAt: 30_000 }, 30_000);
  expect(replica.outbox(0).size).toBe(0);
  replica.heartbeat(ANNA, 'presence', 31_000);
  expect([...replica.outbox(0).keys()]).toEqual([ANNA]);
});
