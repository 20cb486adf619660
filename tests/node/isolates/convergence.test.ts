import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sessionId } from '../../support/session-id';
import { type Isolate, IsolatePairs, type Isolates } from './isolates';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const INTERVAL_MS = 10_000;

const pairs = new IsolatePairs(7);
afterAll(() => pairs.dispose());

let isolates: Isolates;
let here: Isolate;
let there: Isolate;

beforeEach(() => {
  isolates = pairs.next();
  here = isolates.isolate('here');
  there = isolates.isolate('there');
});

/**
 * An interval and half a one pass and the isolates sync, one after the other: that late a request waits for its sync,
 * so when this returns they have ended.
 */
async function syncAll(...ones: readonly Isolate[]): Promise<void> {
  isolates.nowMs += 1.5 * INTERVAL_MS + 1;
  for (const one of ones) await one.presence();
}

describe('two isolates that share a KV namespace', () => {
  it('agree within two syncs', async () => {
    await here.heartbeat(ANNA, 'gratitude');
    await there.heartbeat(BEN, 'release');
    await here.heartbeat(CARL, 'presence');
    await syncAll(here, there);
    const expected = { count: 3, moods: { gratitude: 1, presence: 1, release: 1, connection: 0 } };
    expect(await here.presence()).toMatchObject(expected);
    expect(await there.presence()).toMatchObject(expected);
  });

  it('count a session once that both have seen', async () => {
    await here.heartbeat(ANNA);
    await there.heartbeat(ANNA, 'release');
    expect((await there.presence()).count).toBe(1);
    await syncAll(there, here);
    expect(await here.presence()).toMatchObject({ count: 1, moods: { release: 1 } });
    expect(await there.presence()).toMatchObject({ count: 1, moods: { release: 1 } });
  });

  it('go on counting when one of them vanishes', async () => {
    await here.heartbeat(ANNA);
    await there.heartbeat(BEN);
    // `here` is asked no more.
    await syncAll(there);
    await there.heartbeat(BEN);
    expect((await there.presence()).count).toBe(2);
    // It had been alone in the world, so it was believed for longer than the TTL and a grace.
    isolates.nowMs += 140_000;
    await there.heartbeat(BEN);
    expect((await there.presence()).count).toBe(1);
    expect((await isolates.isolate('there').presence()).count).toBe(1);
  });

  it('do not revive from an old copy who has left on one of them', async () => {
    await here.heartbeat(ANNA);
    await there.heartbeat(BEN);
    await syncAll(here, there);
    await here.leave(ANNA);
    // `there` still holds the old copy, and writes it first.
    await there.heartbeat(BEN);
    await syncAll(there, here);
    await there.heartbeat(BEN);
    await syncAll(there, here);
    expect((await here.presence()).count).toBe(1);
    expect((await there.presence()).count).toBe(1);
  });

  it('end a session whose leave came to the other one, even a fresh one', async () => {
    await here.heartbeat(ANNA);
    await there.leave(ANNA);
    expect((await there.presence()).count).toBe(0);
    await syncAll(there, here);
    expect((await here.presence()).count).toBe(0);
  });

  it('do not let a session that expired come back from KV', async () => {
    await here.heartbeat(ANNA);
    isolates.nowMs += 30_000;
    expect((await here.presence()).count).toBe(0);
    await here.heartbeat(BEN);
    await syncAll(here);
    expect((await here.presence()).count).toBe(1);
  });
});

describe('two isolates in two locations', () => {
  it('know of each other by their summaries', async () => {
    const abroad = isolates.isolate('there', 'FRA');
    await here.heartbeat(ANNA, 'gratitude');
    expect((await abroad.heartbeat(BEN, 'release')).count).toBe(2);
    isolates.nowMs += 100_000;
    await here.heartbeat(ANNA, 'gratitude');
    expect(await here.presence()).toMatchObject({ count: 2, moods: { gratitude: 1, release: 1 } });
  });
});
