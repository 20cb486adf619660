import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOM_SESSIONS_MAX } from '../../src/limits';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate } from './deployment';
import { hubContract } from './hub-contract';
import { BOTH_WAYS, type Version } from './test-protocol';
import { expectMoods as expectMoodsAt, live as liveAt, type Moods, open, type Visit } from './visits';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const SECOND = 1_000;
/** A session expires within these rounds after its last heartbeat. */
const TTL_ROUNDS = 33;

describe.each<Version>(['1.0', 'today'])('a room of %s', (roomVersion) => {
  let deployment: Deployment;
  beforeAll(() => {
    deployment = new Deployment(roomVersion);
  });
  afterAll(() => deployment.dispose());
  beforeEach(() => deployment.reset());

  let here: Isolate;
  let there: Isolate;

  const live = (rounds: number, visits: readonly Visit[] = []) =>
    liveAt(deployment, [here, there], rounds, visits);

  /** Expects that both isolates, and fresh ones of both versions, count these moods and no others. */
  const expectMoods = (moods: Moods) =>
    expectMoodsAt([here, there, deployment.isolate('1.0'), deployment.isolate('today')], moods);

  hubContract('the room', {
    deployment: () => deployment,
    agreeRounds: 3,
    leaveRounds: 2,
    endRounds: TTL_ROUNDS,
  });

  describe.each(BOTH_WAYS)('isolates of %s and %s', (first, second) => {
    beforeEach(() => {
      here = deployment.isolate(first);
      there = deployment.isolate(second);
    });

    it('a session that moved ends a TTL after its last heartbeat at its last isolate', async () => {
      await live(3, [[here, ANNA, 'gratitude']]);
      await live(20, [[there, ANNA, 'gratitude']]);
      await live(TTL_ROUNDS - 6);
      await expectMoods({ gratitude: 1 });
      await live(6);
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
      await deployment.pass(SECOND + 1);
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
  });
});
