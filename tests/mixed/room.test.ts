import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ROOM_SESSIONS_MAX } from '../../src/limits';
import type { LiveClient } from '../support/live-client';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate } from './deployment';
import type { Version } from './test-protocol';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const SECOND = 1_000;
/** The sync interval with the room. */
const ROUND_MS = SECOND + 1;
const TTL_ROUNDS = 33;

/** A session, the isolate that gets its heartbeats, and its mood. */
type Heartbeat = readonly [Isolate, string, string];

describe.each<Version>(['1.0', 'today'])('a room of %s', (roomVersion) => {
  let deployment: Deployment;
  beforeAll(() => {
    deployment = new Deployment(roomVersion);
  });
  afterAll(() => deployment.dispose());
  beforeEach(() => deployment.reset());

  let here: Isolate;
  let there: Isolate;

  async function live(rounds: number, heartbeats: readonly Heartbeat[] = []): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await deployment.pass(ROUND_MS);
      for (const isolate of [here, there]) await isolate.sync();
      for (const [isolate, id, mood] of heartbeats) await isolate.heartbeat(id, mood);
    }
  }

  /** Expects that both isolates, and fresh ones of both versions, count these moods and no others. */
  async function expectMoods(moods: Readonly<Record<string, number>>): Promise<void> {
    const all = { gratitude: 0, presence: 0, release: 0, connection: 0, ...moods };
    for (const isolate of [here, there, deployment.isolate('1.0'), deployment.isolate('today')]) {
      expect((await isolate.presence()).moods, `an isolate of ${isolate.version}`).toEqual(all);
    }
  }

  async function open(isolate: Isolate): Promise<LiveClient> {
    const client = await isolate.open();
    onTestFinished(() => client.close());
    return client;
  }

  describe.each<[Version, Version]>([
    ['1.0', 'today'],
    ['today', '1.0'],
  ])('isolates of %s and %s', (first, second) => {
    beforeEach(() => {
      here = deployment.isolate(first);
      there = deployment.isolate(second);
    });

    it('two isolates with the room count the sessions of both', async () => {
      await live(2, [
        [here, ANNA, 'gratitude'],
        [there, BEN, 'release'],
        [here, CARL, 'presence'],
      ]);
      await live(2);
      await expectMoods({ gratitude: 1, release: 1, presence: 1 });
    });

    it.each(['first', 'second'])(
      'a leave at the %s isolate ends a session at both isolates',
      async (where) => {
        await live(3, [
          [here, ANNA, 'presence'],
          [there, BEN, 'presence'],
        ]);
        await deployment.pass(1);
        await (where === 'first' ? here : there).leave(ANNA);
        await live(2);
        await expectMoods({ presence: 1 });
      },
    );

    it('a change of the mood reaches both isolates through the room', async () => {
      await live(3, [
        [here, ANNA, 'gratitude'],
        [there, BEN, 'gratitude'],
      ]);
      await live(2, [
        [here, ANNA, 'release'],
        [there, BEN, 'connection'],
      ]);
      await live(2);
      await expectMoods({ release: 1, connection: 1 });
    });

    it('a session that moves to the other isolate and back is counted once', async () => {
      await live(3, [
        [here, ANNA, 'gratitude'],
        [there, BEN, 'presence'],
      ]);
      await deployment.pass(1);
      expect((await there.heartbeat(ANNA, 'release')).count).toBe(2);
      await live(2);
      await expectMoods({ release: 1, presence: 1 });
      expect((await here.heartbeat(ANNA, 'connection')).count).toBe(2);
      await live(2);
      await expectMoods({ connection: 1, presence: 1 });
    });

    it('a session that moved ends a TTL after its last heartbeat at its last isolate', async () => {
      await live(3, [[here, ANNA, 'gratitude']]);
      await live(20, [[there, ANNA, 'gratitude']]);
      await live(TTL_ROUNDS - 6);
      await expectMoods({ gratitude: 1 });
      await live(6);
      await expectMoods({});
    });

    it('the count reaches zero after the last heartbeats of a crowd, and stays there', async () => {
      const crowd = Array.from(
        { length: 30 },
        (_, n) => [n % 2 === 0 ? here : there, sessionId(n), 'presence'] as const,
      );
      await live(2, crowd);
      await live(2);
      await expectMoods({ presence: 30 });
      await live(TTL_ROUNDS);
      await expectMoods({});
      await live(5);
      await expectMoods({});
    });

    it('an isolate drops a session that left before the room lost its memory', async () => {
      await live(3, [
        [here, ANNA, 'gratitude'],
        [there, BEN, 'release'],
      ]);
      await live(1);
      expect((await there.presence()).count).toBe(2);
      await here.leave(ANNA);
      await deployment.pass(ROUND_MS);
      await here.sync();
      // The room saves its changes every 5 s.
      await deployment.pass(6 * SECOND);
      await deployment.hibernate();
      await there.sync();
      expect((await there.presence()).moods).toMatchObject({ gratitude: 0, release: 1 });
    });

    it('live sockets and heartbeats count together, and each socket shows all', async () => {
      const [ben, carl] = [await open(here), await open(there)];
      await deployment.send(ben, { sessionId: BEN, mood: 'gratitude' });
      await deployment.send(carl, { sessionId: CARL, mood: 'release' });
      await live(2, [[here, ANNA, 'presence']]);
      await live(2);
      for (const socket of [ben, carl]) await deployment.shows(socket, 3);
      await expectMoods({ gratitude: 1, release: 1, presence: 1 });
      await here.leave(ANNA);
      await live(2);
      for (const socket of [ben, carl]) await deployment.shows(socket, 2);
      ben.close();
      await deployment.shows(carl, 1);
      await live(2);
      await expectMoods({ release: 1 });
    });

    it('a change of the mood on a socket reaches both isolates', async () => {
      const socket = await open(here);
      await deployment.send(socket, { sessionId: ANNA, mood: 'gratitude' });
      await live(2);
      await deployment.shows(socket, 1);
      await expectMoods({ gratitude: 1 });
      await deployment.pass(SECOND);
      await deployment.send(socket, { mood: 'connection' });
      await live(2);
      await expectMoods({ connection: 1 });
    });

    it('a leave by HTTP does not end a session with an open socket', async () => {
      const socket = await open(here);
      await deployment.send(socket, { sessionId: ANNA, mood: 'gratitude' });
      await live(2, [[there, ANNA, 'gratitude']]);
      await deployment.pass(1);
      await there.leave(ANNA);
      await live(2);
      await expectMoods({ gratitude: 1 });
    });

    it('the alarm of the room closes a socket whose session has expired', async () => {
      const [socket, watcher] = [await open(here), await open(there)];
      await deployment.send(socket, { sessionId: ANNA, mood: 'gratitude' });
      await live(2);
      await deployment.shows(watcher, 1);
      const { alarmAt } = await deployment.room();
      await deployment.pass((alarmAt ?? 0) - deployment.nowMs);
      await deployment.alarm();
      expect((await socket.closed).code).toBe(1008);
      await live(2);
      await deployment.shows(watcher, 0);
      await expectMoods({});
    });
  });

  it('an isolate of today without channels reports no trouble', async () => {
    here = deployment.isolate('1.0');
    there = deployment.isolate('today');
    await live(2, [[here, ANNA, 'gratitude']]);
    expect(await there.health()).toMatchObject({ status: 'ok', reason: null });
  });

  it('an isolate of today has the history of all isolates with a room of today, and 503 with a room of 1.0', async () => {
    here = deployment.isolate('1.0');
    there = deployment.isolate('today');
    await live(2, [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'release'],
    ]);
    await live(1);
    if (roomVersion === '1.0') await expect(there.history()).rejects.toThrow('/api/history answered 503');
    else expect(await there.history()).toMatchObject({ visits: 2, peak: { count: 2 } });
  });

  it('isolates of both versions count their own sessions while the room is full', async () => {
    here = deployment.isolate('1.0');
    there = deployment.isolate('today');
    await deployment.fill(ROOM_SESSIONS_MAX);
    await live(2, [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'release'],
    ]);
    expect((await here.presence()).moods).toMatchObject({ gratitude: 1, presence: ROOM_SESSIONS_MAX });
    expect((await there.presence()).moods).toMatchObject({ release: 1, presence: ROOM_SESSIONS_MAX });
  }, 60_000);
});
