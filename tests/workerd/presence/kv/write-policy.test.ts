import { describe, expect, it } from 'vitest';
import { decideWrite } from '../../../../src/presence/kv/write-policy';
import { Replica } from '../../../../src/presence/replica';
import { type Mood, type SessionRecords, ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { sessionId } from '../../../support/session-id';
import { mergeStored } from '../stored-merge';

const TIMING = kvTiming(30_000, 10_000);
const NOW = 1_000_000;
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

/** Anna's stored record: in a mood, as a tombstone (`null`), or none. */
const anna = (mood: Mood | null | undefined, lastSeen = NOW - 1_000): SessionRecords =>
  new Map(mood === undefined ? [] : [[ANNA, { mood, lastSeen }]]);

const summary = (moods: Partial<Record<Mood, number>>, at = NOW - 1_000, extension = 0) => ({
  at,
  until: at + TIMING.leaseMs + extension,
  moods: { ...ZERO_COUNTS, ...moods },
  marksRest: true as const,
});

/** The decision of a replica that has just merged what is stored, and wrote a second ago unless a test says otherwise. */
function decide(
  replica: Replica,
  stored: SessionRecords,
  given: Partial<Parameters<typeof decideWrite>[0]> = {},
) {
  const kept = mergeStored(replica, stored, NOW);
  const { presence, gratitude, release, connection } = replica.counts;
  return decideWrite({
    replica,
    stored,
    kept,
    summary: undefined,
    everywhere: presence + gratitude + release + connection,
    hasOtherLocations: true,
    canExtendLease: true,
    lastWrite: { at: NOW - 1_000, extendsLease: false },
    hasEarlyWrite: true,
    now: NOW,
    timing: TIMING,
    ...given,
  });
}

describe('a replica writes the key early', () => {
  const beat = (mood: Mood) => (replica: Replica) => replica.heartbeat(ANNA, mood, NOW);
  const nothing = () => undefined;
  const leave = (replica: Replica) => {
    replica.heartbeat(ANNA, 'presence', NOW - 2_000);
    replica.leave(ANNA, NOW);
  };
  it.each([
    ['for a session that came', beat('presence'), undefined, true],
    ['for a session that came back', beat('presence'), null, true],
    ['for a session that left', leave, 'presence', true],
    ['for a session in another mood', beat('release'), 'presence', true],
    ['not for a session that is still present in its mood', beat('presence'), 'presence', false],
    ['not for a remote session', nothing, 'presence', false],
    ['not for a tombstone of a session that was never stored', leave, undefined, false],
    ['not for a tombstone that is stored already', nothing, null, false],
  ] as const)('%s', (_what, event, stored, write) => {
    const replica = new Replica(TIMING);
    // Another session, which is stored as it is.
    replica.heartbeat(BEN, 'presence', NOW);
    event(replica);
    const all = new Map([...anna(stored), [BEN, { mood: 'presence' as const, lastSeen: NOW - 5 }]]);
    expect(decide(replica, all)).toEqual({ write, extendsLease: false });
  });

  it.each([
    ['for a stored session that counts no more', 'presence', true],
    ['not for a stored tombstone that counts no more', null, false],
  ] as const)('%s', (_what, mood, write) => {
    const replica = new Replica(TIMING);
    replica.heartbeat(BEN, 'presence', NOW);
    const ben = { mood: 'presence' as const, lastSeen: NOW };
    expect(decide(replica, new Map([...anna(mood, NOW - 70_000), [BEN, ben]])).write).toBe(write);
  });

  it('not for a session that expired here and that another replica may still count', () => {
    const replica = new Replica(TIMING);
    replica.heartbeat(ANNA, 'presence', NOW - TIMING.ttlMs);
    replica.heartbeat(BEN, 'presence', NOW);
    const ben = { mood: 'presence' as const, lastSeen: NOW };
    const stored = new Map([...anna('presence', NOW - TIMING.ttlMs), [BEN, ben]]);
    expect(decide(replica, stored).write).toBe(false);
  });

  it('only where more than one session in 200 has changed', () => {
    for (const [others, write] of [
      [198, true],
      [199, false],
    ] as const) {
      const replica = new Replica(TIMING);
      replica.heartbeat(ANNA, 'presence', NOW);
      const stored = Array.from(
        { length: others },
        (_, n) => [sessionId(10 + n), { mood: 'presence', lastSeen: NOW - 1 }] as const,
      );
      expect(decide(replica, new Map(stored)).write).toBe(write);
    }
  });
});

describe('a replica refreshes the key', () => {
  it.each([
    [TIMING.refreshMs - 1, false],
    [TIMING.refreshMs, true],
  ])('%d ms after its last write: %s', (ms, write) => {
    const replica = new Replica(TIMING);
    replica.heartbeat(ANNA, 'presence', NOW);
    const lastWrite = { at: NOW - ms, extendsLease: false };
    expect(decide(replica, anna('presence'), { lastWrite }).write).toBe(write);
  });

  it('without sessions of its own not where readers see no summary', () => {
    expect(decide(new Replica(TIMING), anna('presence')).write).toBe(false);
  });

  it.each([
    [{ presence: 1 }, false],
    [{ presence: 2 }, true],
  ])('without sessions of its own only where stored sessions have expired: %j of 1', (moods, write) => {
    expect(decide(new Replica(TIMING), anna('presence'), { summary: summary(moods) }).write).toBe(write);
  });
});

describe('a replica that is alone', () => {
  const alone = (given: Partial<Parameters<typeof decideWrite>[0]> = {}, people = 1) => {
    const replica = new Replica(TIMING);
    for (let n = 1; n <= people; n += 1) replica.heartbeat(sessionId(n), 'presence', NOW);
    return decide(replica, anna('presence'), { hasOtherLocations: false, ...given });
  };
  const EXTENDED = { at: NOW - TIMING.refreshMs, extendsLease: true };
  const knows = summary({ presence: 1 }, EXTENDED.at, TIMING.leaseExtensionMs);

  it.each([
    ['where it holds few sessions', {}, 20, true],
    ['not where it holds many', {}, 21, false],
    ['not where another location has sessions', { hasOtherLocations: true }, 1, false],
    ['not where no reader can see it', { canExtendLease: false }, 1, false],
  ])('extends its lease %s', (_where, given, people, extendsLease) => {
    expect(alone(given, people).extendsLease).toBe(extendsLease);
  });

  it.each([
    ['waits longer', knows, EXTENDED, false],
    [
      'until the extension ends',
      knows,
      { ...EXTENDED, at: NOW - TIMING.refreshMs - TIMING.leaseExtensionMs },
      true,
    ],
    ['not where its last write said nothing of it', knows, { ...EXTENDED, extendsLease: false }, true],
    [
      'not where another replica has written since',
      { ...knows, at: NOW - 1, until: NOW + 9e9 },
      EXTENDED,
      true,
    ],
    [
      'not where readers see a lease without extension',
      summary({ presence: 1 }, EXTENDED.at),
      EXTENDED,
      true,
    ],
    ['not where readers see no summary', undefined, EXTENDED, true],
  ])('%s', (_what, seen, lastWrite, write) => {
    expect(alone({ summary: seen, lastWrite }).write).toBe(write);
  });

  it('is not alone where another replica of its location holds a session', () => {
    const replica = new Replica(TIMING);
    replica.heartbeat(BEN, 'presence', NOW);
    expect(decide(replica, anna('presence'), { hasOtherLocations: false }).extendsLease).toBe(false);
  });

  it.each([
    ['a present session', 'presence', true, true],
    ['a tombstone', null, true, false],
    ['an ended session without an extended lease', 'presence', false, false],
  ] as const)('writes nothing early for %s', (_what, mood, isExtended, isPresent) => {
    const replica = new Replica(TIMING);
    replica.heartbeat(BEN, 'presence', NOW);
    if (isPresent) replica.heartbeat(ANNA, 'presence', NOW - 1);
    else {
      replica.heartbeat(ANNA, 'presence', NOW - 2);
      replica.leave(ANNA, NOW - 1);
    }
    const stored = new Map([
      [ANNA, { mood, lastSeen: NOW - 5_000, ...(isExtended && { rests: true as const }) }],
    ]);
    const given = { hasOtherLocations: false, summary: knows, lastWrite: EXTENDED };
    expect(decide(replica, stored, given).write).toBe(false);
  });

  it.each([
    ['an ended session, while it has early writes', true, true],
    ['no ended session, when it has none left', false, false],
  ])('writes early: %s', (_what, hasEarlyWrite, write) => {
    const replica = new Replica(TIMING);
    replica.heartbeat(BEN, 'presence', NOW);
    replica.heartbeat(ANNA, 'presence', NOW - 2);
    replica.leave(ANNA, NOW - 1);
    const stored = new Map([
      [ANNA, { mood: 'presence' as const, lastSeen: NOW - 5_000, rests: true as const }],
    ]);
    const given = { hasOtherLocations: false, summary: knows, lastWrite: EXTENDED, hasEarlyWrite };
    expect(decide(replica, stored, given).write).toBe(write);
  });
});
