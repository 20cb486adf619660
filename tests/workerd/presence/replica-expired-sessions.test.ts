import { beforeEach, expect, it } from 'vitest';
import { Replica } from '../../../src/presence/replica';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming } from '../../../src/presence/timing';
import { ANNA, anna, BEN, mergeStored, NONE, recordsIn, storedAfterMerge } from './replica-records';

const TIMING = kvTiming(30_000, 10_000);
const NEVER = Number.NEGATIVE_INFINITY;
const HEARTBEAT = 1_000;
const EXPIRED = HEARTBEAT + TIMING.ttlMs;
const copy = anna('presence', HEARTBEAT);
const tombstone = anna(null, HEARTBEAT + 1);

let replica: Replica;
beforeEach(() => {
  replica = new Replica(TIMING);
  replica.heartbeat(ANNA, 'presence', HEARTBEAT);
});

it.each([
  [
    'becomes a tombstone 1 ms after its last heartbeat, if that is not later than endedBy',
    HEARTBEAT,
    tombstone,
  ],
  [
    'keeps its stored record, and gets no tombstone, if that heartbeat is later than endedBy',
    HEARTBEAT - 1,
    copy,
  ],
])('an expired own session %s', (_what, endedBy, written) => {
  expect(storedAfterMerge(replica, copy, EXPIRED, { endedBy })).toEqual(written);
  expect(replica.counts).toEqual(ZERO_COUNTS);
  expect(replica.remote.recordsSize).toBe(0);
  expect(replica.own.recordsSize).toBe(endedBy < HEARTBEAT ? 0 : 1);
});

it('a merge ends no present own session, although its heartbeat is earlier than endedBy', () => {
  expect(storedAfterMerge(replica, copy, EXPIRED - 1, { endedBy: EXPIRED })).toEqual(copy);
  expect(replica.own.isPresent(ANNA)).toBe(true);
});

it.each([
  ['nothing is stored', NONE],
  ['an older heartbeat is stored', anna('release', HEARTBEAT - 1)],
  ['an older leave is stored', anna(null, HEARTBEAT - 1)],
  ['its last heartbeat is stored', copy],
])('an expired own session becomes a tombstone when %s', (_what, stored) => {
  expect(storedAfterMerge(replica, stored, EXPIRED, { endedBy: HEARTBEAT })).toEqual(tombstone);
});

it.each([
  ['a later heartbeat', anna('release', HEARTBEAT + 1)],
  ['a much later heartbeat', anna('release', HEARTBEAT + 20_000)],
  ['a later leave', anna(null, HEARTBEAT + 2)],
])('a stored record with %s prevents a tombstone, and becomes a remote record', (_what, stored) => {
  expect(storedAfterMerge(replica, stored, EXPIRED, { endedBy: HEARTBEAT })).toEqual(stored);
  expect(replica.own.recordsSize).toBe(0);
  expect(replica.remote.recordsSize).toBe(1);
});

it('a later heartbeat of an earlier merge prevents a tombstone', () => {
  mergeStored(replica, anna('release', 25_000), EXPIRED);
  expect(storedAfterMerge(replica, copy, EXPIRED + 1, { endedBy: HEARTBEAT })).toEqual(
    anna('release', 25_000),
  );
});

it('a merge returns the stored record of an expired session in kept until a merge ends the session', () => {
  const entry = { mood: 'presence', lastSeen: HEARTBEAT, expiresAt: 90_000 } as const;
  expect(replica.mergeStored(new Map([[ANNA, entry]]), EXPIRED, NEVER).kept).toEqual(
    new Map([[ANNA, entry]]),
  );
  expect(replica.mergeStored(new Map([[ANNA, entry]]), EXPIRED, HEARTBEAT).kept).toEqual(new Map());
});

it.each([NEVER, HEARTBEAT])(
  'an older copy in a later merge does not revive an expired session: endedBy %d',
  (endedBy) => {
    const longer = { countsMs: 140_000, endedBy };
    mergeStored(replica, NONE, EXPIRED, { endedBy });
    for (const now of [EXPIRED + 1, 60_000, HEARTBEAT + 140_000 - 1]) {
      mergeStored(replica, copy, now, longer);
      expect(replica.counts).toEqual(ZERO_COUNTS);
      expect(replica.remote.recordsSize).toBe(0);
    }
  },
);

it('a replica keeps the tombstone of an expired session for tombstoneTtlMs after its last heartbeat', () => {
  mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
  replica.expire(HEARTBEAT + TIMING.tombstoneTtlMs - 1);
  expect(replica.own.recordsSize).toBe(1);
  replica.expire(HEARTBEAT + TIMING.tombstoneTtlMs);
  expect(replica.own.recordsSize).toBe(0);
});

it('a replica that reads its own tombstone holds it once, as an own record', () => {
  mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
  expect(storedAfterMerge(replica, tombstone, EXPIRED + 1, { endedBy: HEARTBEAT })).toEqual(tombstone);
  expect(replica.own.recordsSize).toBe(1);
  expect(replica.remote.recordsSize).toBe(0);
});

it.each([
  ['overrules a copy of the heartbeat', copy, 0],
  ['loses to a heartbeat 1 ms later', anna('release', HEARTBEAT + 1), 1],
  ['loses to a heartbeat 20 s later', anna('release', HEARTBEAT + 20_000), 1],
])('the tombstone of an expired session %s at its owner and at other replicas', (_what, later, count) => {
  const written = storedAfterMerge(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
  mergeStored(replica, later, EXPIRED + 1, { endedBy: HEARTBEAT });
  expect(replica.counts.release).toBe(count);
  expect(replica.counts.presence).toBe(0);
  const [first, second] = [new Replica(TIMING), new Replica(TIMING)];
  for (const stored of [written, later]) mergeStored(first, stored, EXPIRED);
  for (const stored of [later, written]) mergeStored(second, stored, EXPIRED);
  for (const reader of [first, second]) {
    expect(reader.counts.release).toBe(count);
    expect(reader.counts.presence).toBe(0);
  }
});

it('a heartbeat after the tombstone of a session makes it present again with a later stamp', () => {
  mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
  replica.heartbeat(ANNA, 'release', EXPIRED, HEARTBEAT + 1);
  expect(storedAfterMerge(replica, tombstone, EXPIRED)).toEqual(anna('release', HEARTBEAT + 2));
  expect(replica.own.recordsSize).toBe(1);
});

it('a new heartbeat of an expired session makes it present again, and prevents a tombstone', () => {
  mergeStored(replica, copy, EXPIRED);
  replica.heartbeat(ANNA, 'release', EXPIRED + 1);
  const merged = storedAfterMerge(replica, copy, EXPIRED + 2, { endedBy: HEARTBEAT });
  expect(merged).toEqual(anna('release', EXPIRED + 1));
});

it('the tombstone of a session whose stamp is ahead of the clock is 1 ms after that stamp', () => {
  replica.leave(ANNA, HEARTBEAT);
  replica.heartbeat(ANNA, 'presence', HEARTBEAT);
  expect(storedAfterMerge(replica, NONE, EXPIRED, { endedBy: HEARTBEAT })).toEqual(anna(null, HEARTBEAT + 3));
});

it('a merge ends only expired sessions whose own last heartbeat is not later than endedBy', () => {
  replica.heartbeat(BEN, 'presence', HEARTBEAT + 1);
  const stored = new Map([...copy, [BEN, { mood: 'presence' as const, lastSeen: HEARTBEAT + 1 }]]);
  const { kept } = mergeStored(replica, stored, EXPIRED + 1, { endedBy: HEARTBEAT });
  expect([...kept.keys()]).toEqual([BEN]);
  expect(recordsIn(new Map(replica.own))).toEqual(tombstone);
  mergeStored(replica, stored, EXPIRED + 2, { endedBy: HEARTBEAT + 1 });
  expect(replica.own.recordsSize).toBe(2);
});
