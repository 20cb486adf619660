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
 * Moves the clock by one and a half intervals and lets the isolates sync, one after the other. A request that is so late waits for its
 * sync, so all syncs have ended on return.
 */
async function syncAll(...ones: readonly Isolate[]): Promise<void> {
  isolates.nowMs += 1.5 * INTERVAL_MS + 1;
  for (const one of ones) await one.presence();
}

describe('two isolates', () => {
  it('two isolates of one KV namespace agree within two syncs', async () => {
    await here.heartbeat(ANNA, 'gratitude');
    await there.heartbeat(BEN, 'release');
    await here.heartbeat(CARL, 'presence');
    await syncAll(here, there);
    const expected = { count: 3, moods: { gratitude: 1, presence: 1, release: 1, connection: 0 } };
    expect(await here.presence()).toMatchObject(expected);
    expect(await there.presence()).toMatchObject(expected);
  });

  it('two isolates count a session that sent heartbeats to both once', async () => {
    await here.heartbeat(ANNA);
    await there.heartbeat(ANNA, 'release');
    expect((await there.presence()).count).toBe(1);
    await syncAll(there, here);
    expect(await here.presence()).toMatchObject({ count: 1, moods: { release: 1 } });
    expect(await there.presence()).toMatchObject({ count: 1, moods: { release: 1 } });
  });

  it('an isolate counts the sessions of a vanished isolate, and drops them within 160 s', async () => {
    await here.heartbeat(ANNA);
    await there.heartbeat(BEN);
    // `here` gets no further request.
    await syncAll(there);
    await there.heartbeat(BEN);
    expect((await there.presence()).count).toBe(2);
    // The TTL is 30 s and the grace 40 s. `here` was a lone isolate, so its session counts for 80 s more.
    isolates.nowMs += 140_000;
    await there.heartbeat(BEN);
    expect((await there.presence()).count).toBe(1);
    expect((await isolates.isolate('there').presence()).count).toBe(1);
  });

  it('an old copy at one isolate does not revive a session that left at the other', async () => {
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

  it('a leave at another isolate ends a session, although that isolate is fresh', async () => {
    await here.heartbeat(ANNA);
    await there.leave(ANNA);
    expect((await there.presence()).count).toBe(0);
    await syncAll(there, here);
    expect((await here.presence()).count).toBe(0);
  });

  it('a session that expired does not return from KV', async () => {
    await here.heartbeat(ANNA);
    isolates.nowMs += 30_000;
    expect((await here.presence()).count).toBe(0);
    await here.heartbeat(BEN);
    await syncAll(here);
    expect((await here.presence()).count).toBe(1);
  });
});

describe('two locations', () => {
  it('two locations count the sessions of both', async () => {
    const abroad = isolates.isolate('there', 'FRA');
    await here.heartbeat(ANNA, 'gratitude');
    expect((await abroad.heartbeat(BEN, 'release')).count).toBe(2);
    isolates.nowMs += 100_000;
    await here.heartbeat(ANNA, 'gratitude');
    expect(await here.presence()).toMatchObject({ count: 2, moods: { gratitude: 1, release: 1 } });
  });
});
