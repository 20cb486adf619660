import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate } from './deployment';
import { hubContract } from './hub-contract';
import { BOTH_WAYS, type Version } from './test-protocol';
import { expectMoods as expectMoodsAt, live as liveAt, type Moods, type Visit } from './visits';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const SECOND = 1_000;
/** The sync interval, which is also the time between two heartbeats of a client. */
const INTERVAL_MS = 10 * SECOND;

const deployment = new Deployment();
afterAll(() => deployment.dispose());
beforeEach(() => deployment.reset());

let here: Isolate;
let there: Isolate;

const live = (rounds: number, visits: readonly Visit[]) => liveAt(deployment, [here, there], rounds, visits);
const expectMoods = (moods: Moods) => expectMoodsAt([here, there], moods);

it('an isolate runs the version that a test names', async () => {
  expect(await deployment.isolate('1.0').health()).not.toHaveProperty('reason');
  expect(await deployment.isolate('today').health()).toHaveProperty('reason');
});

// The limit is a TTL of 30 s, a grace of 40 s, and 80 s for sessions of a lone isolate.
hubContract('one KV key', { deployment: () => deployment, agreeRounds: 5, leaveRounds: 2, endRounds: 16 });

describe.each(BOTH_WAYS)('isolates of %s and %s, one KV key', (first, second) => {
  beforeEach(() => {
    here = deployment.isolate(first);
    there = deployment.isolate(second);
  });

  it('the second isolate counts a single session at each moment, although the first isolate writes rarely', async () => {
    await here.heartbeat(ANNA);
    for (let elapsedMs = 0; elapsedMs < 360 * SECOND; elapsedMs += 10 * SECOND) {
      await deployment.pass(10 * SECOND);
      expect((await here.heartbeat(ANNA)).count).toBe(1);
      expect((await there.presence()).count).toBe(1);
    }
  });

  it('the sessions of an isolate that vanishes end at the other one', async () => {
    await live(5, [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'release'],
    ]);
    for (let round = 0; round < 16; round += 1) {
      await deployment.pass(INTERVAL_MS + 1);
      await there.sync();
      await there.heartbeat(BEN, 'release');
    }
    expect((await there.presence()).moods).toMatchObject({ gratitude: 0, release: 1 });
  });
});

describe.each(BOTH_WAYS)('isolates of %s and %s, 10 minutes without a change', (first, second) => {
  beforeEach(() => {
    here = deployment.isolate(first);
    there = deployment.isolate(second);
  });

  const MINUTES = 10;
  const ROUNDS = (MINUTES * 60 * SECOND) / INTERVAL_MS;
  const FEW = Array.from({ length: 3 }, (_, n) => sessionId(100 + n));
  const CROWD = Array.from({ length: 25 }, (_, n) => sessionId(100 + n));

  const differing = (id: string) => id.replace(/^0/, 'a');

  /** Runs three rounds to settle. Then returns the writes of each version, and the lowest and highest counts. */
  async function observe(heartbeats: readonly Visit[]) {
    await live(3, heartbeats);
    for (const { version } of [here, there]) await deployment.puts(version);
    const counts: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await live(1, heartbeats);
      for (const isolate of [here, there]) counts.push((await isolate.presence()).count);
    }
    const puts = new Map<Version, number>();
    for (const { version } of [here, there]) puts.set(version, (await deployment.puts(version)).length);
    return { puts, min: Math.min(...counts), max: Math.max(...counts) };
  }

  const at = (isolate: Isolate, ids: readonly string[]): Visit[] =>
    ids.map((id) => [isolate, id, 'presence']);

  it.each([
    ['3 sessions', FEW],
    ['25 sessions', CROWD],
  ])(
    'both isolates count all sessions and write at most 4 times a minute each, with %s at each',
    async (_what, ids) => {
      const { puts, min, max } = await observe([...at(here, ids), ...at(there, ids.map(differing))]);
      expect([min, max]).toEqual([2 * ids.length, 2 * ids.length]);
      for (const written of puts.values()) expect(written).toBeLessThanOrEqual(4 * MINUTES);
    },
  );

  it.each([
    ['3 sessions', FEW],
    ['25 sessions', CROWD],
  ])('a second isolate without sessions loses none of %s and writes nothing', async (_what, ids) => {
    const { puts, min, max } = await observe(at(here, ids));
    expect([min, max]).toEqual([ids.length, ids.length]);
    expect(puts.get(second)).toBe(0);
    // Version 1.0 writes rarely with at most 20 sessions only.
    const isRare = first === 'today' || ids.length <= 20;
    expect(puts.get(first)).toBeLessThanOrEqual(isRare ? MINUTES : 4 * MINUTES);
  });

  it.each([
    ['no session', []],
    ['25 sessions', CROWD],
  ])(
    'a session without heartbeats ends at both isolates within 150 s, with %s at the second isolate',
    async (_what, ids) => {
      const others = at(there, ids.map(differing));
      await live(15, [...at(here, FEW), ...others]);
      const lastSeen = deployment.nowMs;
      await expectMoods({ presence: FEW.length + ids.length });
      while (deployment.nowMs < lastSeen + 140 * SECOND) await live(1, others);
      await deployment.pass(lastSeen + 150 * SECOND - deployment.nowMs);
      for (const isolate of [here, there]) await isolate.presence();
      await expectMoods({ presence: ids.length });
      await live(20, others);
      await expectMoods({ presence: ids.length });
    },
  );
});

it('a new location counts a location of 1.0 through a list, because 1.0 writes no other key', async () => {
  await deployment.puts('1.0');
  const old = deployment.isolate('1.0', 'AMS');
  await old.heartbeat(ANNA, 'gratitude');
  expect((await deployment.puts('1.0')).map(({ key }) => key)).toEqual(['presence:sessions:ams']);
  const fresh = deployment.isolate('today', 'FRA');
  await deployment.puts('today');
  expect((await fresh.heartbeat(BEN, 'release')).count).toBe(2);
  const keys = (await deployment.puts('today')).map(({ key }) => key);
  expect(keys.filter((key) => key.startsWith('presence:opened:'))).toHaveLength(2);
  // A listing of 1.0 sees only keys of locations.
  here = old;
  there = fresh;
  await live(12, [
    [old, ANNA, 'gratitude'],
    [fresh, BEN, 'release'],
  ]);
  await expectMoods({ gratitude: 1, release: 1 });
});

describe.each(BOTH_WAYS)('locations of %s and %s', (first, second) => {
  beforeEach(() => {
    here = deployment.isolate(first, 'AMS');
    there = deployment.isolate(second, 'FRA');
  });

  it('two locations count the sessions of both', async () => {
    await here.heartbeat(ANNA, 'gratitude');
    expect((await there.heartbeat(BEN, 'release')).count).toBe(2);
    await live(12, [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'release'],
    ]);
    await expectMoods({ gratitude: 1, release: 1 });
  });

  it('a change of the mood reaches both locations, and a session that left ends at both', async () => {
    await live(12, [
      [here, ANNA, 'gratitude'],
      [here, CARL, 'presence'],
      [there, BEN, 'release'],
    ]);
    await expectMoods({ gratitude: 1, presence: 1, release: 1 });
    await here.leave(CARL);
    // The rounds below take longer than a TTL, so they do not show the leave.
    expect((await here.presence()).moods).toMatchObject({ presence: 0 });
    await live(12, [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'connection'],
    ]);
    await expectMoods({ gratitude: 1, connection: 1 });
  });

  it('a location stops counting another one whose lease has ended', async () => {
    await live(12, [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'release'],
    ]);
    // A lease takes at most 300 s. A listing follows within 60 s.
    for (let round = 0; round < 38; round += 1) {
      await deployment.pass(INTERVAL_MS + 1);
      await there.sync();
      await there.heartbeat(BEN, 'release');
    }
    expect((await there.presence()).count).toBe(1);
  });
});
