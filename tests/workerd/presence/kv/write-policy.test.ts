import { describe, expect, it } from 'vitest';
import { FEW_PEOPLE } from '../../../../src/limits';
import { decideWrite, type LastWrite } from '../../../../src/presence/kv/write-policy';
import { Replica } from '../../../../src/presence/replica';
import { type Mood, type SessionRecords, totalOf } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { sessionId } from '../../../support/session-id';
import { mergeStored } from '../replica-records';

const TIMING = kvTiming(30_000, 10_000);
const { refreshMs, aloneExtensionMs } = TIMING;
const NOW = 1_000_000;
const NEVER: LastWrite = { at: Number.NEGATIVE_INFINITY, isAlone: false };
const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const NONE: SessionRecords = new Map();
const BEN_PRESENT: SessionRecords = new Map([[BEN, { mood: 'presence', lastSeen: NOW - 5 }]]);

/** The stored record of ANNA: a mood, `null` for a tombstone, or undefined for none. */
const anna = (mood: Mood | null | undefined, lastSeen = NOW - 1_000): SessionRecords =>
  new Map(mood === undefined ? [] : [[ANNA, { mood, lastSeen }]]);

/** Returns `count` stored sessions, ANNA first. Each has an older heartbeat than its owner. */
const storedSessions = (count: number): SessionRecords =>
  new Map(
    Array.from({ length: count }, (_, n) => [sessionId(n + 1), { mood: 'presence', lastSeen: NOW - 2_000 }]),
  );

type Given = Partial<Parameters<typeof decideWrite>[0]> & { readonly endedBy?: number };

/**
 * Merges the stored records, and returns whether the replica writes. By default no other location has sessions. The replica is not
 * alone in its location, and wrote the key 1 s ago.
 */
function decide(replica: Replica, stored: SessionRecords, { endedBy, ...given }: Given = {}): boolean {
  const { ended } = mergeStored(replica, stored, NOW, endedBy === undefined ? {} : { endedBy });
  return decideWrite({
    replica,
    stored,
    ended,
    everywhere: totalOf(replica.counts),
    isAlone: false,
    lastWrite: { at: NOW - 1_000, isAlone: false },
    hasBudget: true,
    now: NOW,
    timing: TIMING,
    ...given,
  });
}

/** Returns a replica with `ownSessions` sessions in the mood `presence`, ANNA first. */
function replicaWith(ownSessions: number): Replica {
  const replica = new Replica(TIMING);
  for (let n = 1; n <= ownSessions; n += 1) replica.heartbeat(sessionId(n), 'presence', NOW - 1_000);
  return replica;
}

describe('changes', () => {
  const heartbeat = (mood: Mood) => (replica: Replica) => replica.heartbeat(ANNA, mood, NOW);
  const noEvent = () => undefined;
  const leave = (replica: Replica) => {
    replica.heartbeat(ANNA, 'presence', NOW - 2_000);
    replica.leave(ANNA, NOW);
  };
  const mergeEarlier = (mood: Mood | null) => (replica: Replica) =>
    mergeStored(replica, anna(mood, NOW - 2_000), NOW - 1_500);
  it.each([
    ['writes a new session', heartbeat('presence'), anna(undefined), true],
    ['writes a session that returned after its leave', heartbeat('presence'), anna(null), true],
    ['writes a session that left', leave, anna('presence'), true],
    ['writes a session that changed its mood', heartbeat('release'), anna('presence'), true],
    [
      'does not write a session that is still present in its mood',
      heartbeat('presence'),
      anna('presence'),
      false,
    ],
    ['does not write a tombstone of a session that was never stored', leave, anna(undefined), false],
    ['does not write a tombstone that is stored already', leave, anna(null), false],
    ['writes when a stored session has stopped counting', noEvent, anna('presence', NOW - 70_000), true],
    ['does not write when a stored tombstone has stopped counting', noEvent, anna(null, NOW - 70_000), false],
    ['does not write for a stored remote session', noEvent, anna('presence'), false],
    ['does not write a remote session that the stored value lacks', mergeEarlier('presence'), NONE, false],
    [
      'does not write a remote session in a newer mood',
      mergeEarlier('release'),
      anna('presence', NOW - 9_000),
      false,
    ],
    [
      'does not write a remote tombstone of a stored session',
      mergeEarlier(null),
      anna('presence', NOW - 9_000),
      false,
    ],
  ] as const)('a replica %s', (_what, event, stored, writes) => {
    const replica = new Replica(TIMING);
    // The stored value has this session already, so it is no change.
    replica.heartbeat(BEN, 'presence', NOW);
    event(replica);
    expect(decide(replica, new Map([...stored, ...BEN_PRESENT]))).toBe(writes);
  });

  it.each([
    ['does not write a session that expired here and may count at another replica', undefined, false],
    ['writes the tombstone of a session that expired here and is ended for all', NOW - TIMING.ttlMs, true],
  ])('a replica %s', (_what, endedBy, writes) => {
    const replica = new Replica(TIMING);
    replica.heartbeat(ANNA, 'presence', NOW - TIMING.ttlMs);
    replica.heartbeat(BEN, 'presence', NOW);
    const stored = new Map([...anna('presence', NOW - TIMING.ttlMs), ...BEN_PRESENT]);
    expect(decide(replica, stored, endedBy === undefined ? {} : { endedBy })).toBe(writes);
  });

  const writtenAt = NOW - 1_000;
  it.each([
    [
      'writes its session again if the stored heartbeat is older than all of its last write',
      writtenAt - TIMING.ttlMs - 1,
      true,
    ],
    [
      'does not write its session again if its last write may have had the stored heartbeat',
      writtenAt - TIMING.ttlMs,
      false,
    ],
  ])('a replica %s', (_what, lastSeen, writes) => {
    const lastWrite = { at: writtenAt, isAlone: false };
    expect(decide(replicaWith(1), anna('presence', lastSeen), { lastWrite })).toBe(writes);
    // Only its owner writes a session again.
    expect(decide(new Replica(TIMING), anna('presence', lastSeen), { lastWrite })).toBe(false);
  });

  const leaveOf = (ids: number) => (replica: Replica) => {
    for (let n = 1; n <= ids; n += 1) replica.leave(sessionId(n), NOW);
  };
  const MANY_SESSIONS = 1_000;
  it.each([
    ['writes 6 leaves of 1,000 sessions at once', 6, 1_000, true],
    ['does not write 4 leaves of 1,000 sessions at once', 4, 1_000, false],
    ['does not write 4 leaves of 1,000 sessions 1 ms before refreshMs', 4, refreshMs - 1, false],
    ['writes 4 leaves of 1,000 sessions after refreshMs', 4, refreshMs, true],
    ['does not write after refreshMs without a change', 0, refreshMs, false],
  ] as const)('a replica that is alone in its location %s', (_what, leaves, sinceWriteMs, writes) => {
    const replica = replicaWith(MANY_SESSIONS);
    leaveOf(leaves)(replica);
    const lastWrite = { at: NOW - sinceWriteMs, isAlone: true };
    expect(decide(replica, storedSessions(MANY_SESSIONS), { isAlone: true, lastWrite })).toBe(writes);
  });

  it.each([
    ['writes its last leave of 200 sessions at once', 200, 1_000, true],
    ['does not write its last leave of 201 sessions at once', 201, 1_000, false],
    ['does not write its last leave of 201 sessions 1 ms before refreshMs', 201, refreshMs - 1, false],
    ['writes its last leave of 201 sessions after refreshMs', 201, refreshMs, true],
  ])('a replica that holds one of many sessions %s', (_what, stored, sinceWriteMs, writes) => {
    const replica = replicaWith(1);
    replica.leave(ANNA, NOW);
    const lastWrite = { at: NOW - sinceWriteMs, isAlone: false };
    expect(decide(replica, storedSessions(stored), { lastWrite })).toBe(writes);
  });

  it('a replica writes one new session at once with 199 sessions everywhere, and not with 200', () => {
    const isWritten = (everywhere: number) => decide(replicaWith(1), NONE, { everywhere });
    expect(isWritten(199)).toBe(true);
    expect(isWritten(200)).toBe(false);
  });
});

describe('heartbeats', () => {
  const [alone, shared] = [true, false];
  it.each([
    [shared, shared, refreshMs - 1, false],
    [shared, shared, refreshMs, true],
    // The other replica has written since. Its readers do not expect late heartbeats.
    [shared, alone, refreshMs - 1, false],
    [shared, alone, refreshMs, true],
    // The last write extended no session, so its readers drop them before a late refresh.
    [alone, shared, refreshMs - 1, false],
    [alone, shared, refreshMs, true],
    [alone, alone, refreshMs, false],
    [alone, alone, refreshMs + aloneExtensionMs - 1, false],
    [alone, alone, refreshMs + aloneExtensionMs, true],
  ])(
    'a replica (alone now: %s, alone at its last write: %s) refreshes %d ms after that write: %s',
    (isAlone, wasAlone, sinceWriteMs, writes) => {
      const lastWrite = { at: NOW - sinceWriteMs, isAlone: wasAlone };
      for (const ownSessions of [1, FEW_PEOPLE, FEW_PEOPLE + 1, 300]) {
        for (const hasBudget of [true, false]) {
          const given = { isAlone, lastWrite, hasBudget };
          expect(
            decide(replicaWith(ownSessions), storedSessions(ownSessions), given),
            `${ownSessions} sessions`,
          ).toBe(writes);
        }
      }
    },
  );

  const replicaWithTombstone = () => {
    const replica = replicaWith(1);
    replica.leave(ANNA, NOW - 500);
    return replica;
  };
  it.each([
    ['without sessions', () => new Replica(TIMING), NONE],
    ['with remote sessions only', () => new Replica(TIMING), storedSessions(5)],
    ['with a tombstone only', replicaWithTombstone, anna(null, NOW - 500)],
    [
      'with a tombstone and remote sessions only',
      replicaWithTombstone,
      new Map([...anna(null, NOW - 500), ...BEN_PRESENT]),
    ],
  ])('a replica %s never refreshes the key', (_what, replica, stored) => {
    for (const isAlone of [true, false])
      expect(decide(replica(), stored, { isAlone, lastWrite: NEVER })).toBe(false);
  });

  it('a replica without sessions never writes for a remote session that the stored value lacks', () => {
    const replica = new Replica(TIMING);
    mergeStored(replica, storedSessions(5), NOW - 1_000);
    expect(decide(replica, NONE, { lastWrite: NEVER })).toBe(false);
  });
});

describe('budget of writes', () => {
  const [withBudget, without] = [true, false];
  it.each([
    [2 * FEW_PEOPLE, 0, true, true],
    [2 * FEW_PEOPLE + 1, 0, true, false],
    [FEW_PEOPLE, 0, false, false],
    [1, 1, true, false],
  ])(
    'a replica (own sessions: %d, elsewhere: %d, alone: %s) needs budget for an ended session: %s',
    (own, elsewhere, isAlone, needsBudget) => {
      const given = { isAlone, everywhere: own + elsewhere };
      for (const hasBudget of [true, false]) {
        const replica = replicaWith(own + 1);
        replica.leave(ANNA, NOW);
        const writes = decide(replica, storedSessions(own + 1), { ...given, hasBudget });
        expect(writes).toBe(hasBudget || !needsBudget);
      }
    },
  );

  it.each([
    ['a new session', storedSessions(1)],
    ['a changed mood', new Map([...storedSessions(2), ...anna('release')])],
  ])(
    'a replica that holds all of a few sessions does not write %s with budget before its refresh',
    (_what, stored) => {
      expect(decide(replicaWith(2), stored, { isAlone: true, hasBudget: true })).toBe(false);
    },
  );

  it('the leave of the last session everywhere needs budget', () => {
    const replica = replicaWith(1);
    replica.leave(ANNA, NOW);
    expect(decide(replica, anna('presence'), { isAlone: true, hasBudget: withBudget })).toBe(true);
    expect(decide(replica, anna('presence'), { isAlone: true, hasBudget: without })).toBe(false);
  });

  it.each([
    ['does not write an ended session without budget after refreshMs', refreshMs, false],
    [
      'does not write an ended session without budget 1 ms before refresh',
      refreshMs + aloneExtensionMs - 1,
      false,
    ],
    ['writes an ended session without budget at its refresh', refreshMs + aloneExtensionMs, true],
  ])('a replica that holds all of a few sessions %s', (_what, sinceWriteMs, writes) => {
    const lastWrite = { at: NOW - sinceWriteMs, isAlone: true };
    const given = { isAlone: true, lastWrite, hasBudget: without };
    const replica = replicaWith(2);
    replica.leave(ANNA, NOW);
    expect(decide(replica, storedSessions(2), given)).toBe(writes);
  });

  it('a replica that holds all of a few sessions writes no unchanged sessions before its refresh', () => {
    const lastWrite = { at: NOW - 1_000, isAlone: true };
    expect(decide(replicaWith(2), storedSessions(2), { isAlone: true, lastWrite, hasBudget: true })).toBe(
      false,
    );
  });
});
