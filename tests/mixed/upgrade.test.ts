import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate } from './deployment';
import { BOTH_WAYS } from './test-protocol';
import { expectMoods as expectMoodsAt, live as liveAt, type Moods, open, type Visit } from './visits';

const [ANNA, BEN, CARL, DORA] = [sessionId(1), sessionId(2), sessionId(3), sessionId(4)];
const SECOND = 1_000;

describe.each(BOTH_WAYS)('KV data of %s, isolates of %s', (before, after) => {
  const deployment = new Deployment();
  afterAll(() => deployment.dispose());
  beforeEach(() => deployment.reset());

  /** Only the isolates with heartbeats sync. The others are gone. */
  const live = (rounds: number, visits: readonly Visit[]) =>
    liveAt(deployment, [...new Set(visits.map(([isolate]) => isolate))], rounds, visits);

  it('the first answer after a deploy counts the sessions of both locations, and no session that has left', async () => {
    const [here, there, elsewhere] = ['AMS', 'AMS', 'FRA'].map((colo) => deployment.isolate(before, colo));
    if (!here || !there || !elsewhere) throw new Error('No isolates.');
    const stay = [
      [here, ANNA, 'gratitude'],
      [there, BEN, 'release'],
      [elsewhere, CARL, 'connection'],
    ] as const;
    await live(12, [...stay, [there, DORA, 'presence']]);
    await there.leave(DORA);
    await live(4, stay);
    for (const colo of ['AMS', 'FRA']) {
      const { moods } = await deployment.isolate(after, colo).presence();
      expect(moods, colo).toEqual({ gratitude: 1, presence: 0, release: 1, connection: 1 });
    }
  });

  it('a session of a lone isolate stays counted when the other version receives its heartbeats', async () => {
    const old = deployment.isolate(before);
    await old.heartbeat(ANNA, 'gratitude');
    await live(9, [[old, ANNA, 'gratitude']]);
    const fresh = deployment.isolate(after);
    expect((await fresh.presence()).count).toBe(1);
    for (let round = 0; round < 20; round += 1) {
      await deployment.pass(10 * SECOND);
      expect((await fresh.heartbeat(ANNA, 'release')).moods).toMatchObject({ gratitude: 0, release: 1 });
    }
  });

  it('sessions that send no heartbeat after the deploy end', async () => {
    const [here, elsewhere] = [deployment.isolate(before, 'AMS'), deployment.isolate(before, 'FRA')];
    await live(4, [
      [here, ANNA, 'gratitude'],
      [elsewhere, BEN, 'release'],
    ]);
    const fresh = deployment.isolate(after);
    expect((await fresh.presence()).count).toBe(2);
    await live(40, [[fresh, CARL, 'presence']]);
    expect((await fresh.presence()).moods).toEqual({ gratitude: 0, presence: 1, release: 0, connection: 0 });
  });
});

describe.each(BOTH_WAYS)('a room, from %s to %s', (before, after) => {
  let deployment: Deployment;
  beforeAll(() => {
    deployment = new Deployment(before);
  });
  afterAll(() => deployment.dispose());
  let here: Isolate;
  let there: Isolate;
  beforeEach(async () => {
    await deployment.deployRoom(before);
    await deployment.reset();
    here = deployment.isolate(before);
    there = deployment.isolate(after);
  });

  const live = (rounds: number, visits: readonly Visit[] = []) =>
    liveAt(deployment, [here, there], rounds, visits);

  /** Lets the room hibernate. The next event constructs the room of the other version. */
  async function upgrade(): Promise<void> {
    await deployment.deployRoom(after);
    await deployment.hibernate();
    expect((await deployment.room()).version).toBe(after);
  }

  /** Expects that fresh isolates of both versions count these moods and no others. */
  const expectMoods = (moods: Moods) =>
    expectMoodsAt([deployment.isolate('1.0'), deployment.isolate('today')], moods);

  it('the new room counts the sessions of the journal and of the sockets, and no session that has left', async () => {
    const socket = await open(here);
    await deployment.send(socket, { sessionId: BEN, mood: 'release' });
    await live(2, [
      [here, ANNA, 'gratitude'],
      [there, CARL, 'connection'],
      [there, DORA, 'presence'],
    ]);
    await there.leave(DORA);
    // The room saves its changes every 5 s.
    await live(6);
    await upgrade();
    await expectMoods({ gratitude: 1, release: 1, connection: 1 });
  });

  it('open sockets of the old room show changes, change their moods and end their sessions in the new room', async () => {
    const [ben, watcher] = [await open(here), await open(here)];
    await deployment.send(ben, { sessionId: BEN, mood: 'release' });
    await live(6);
    await upgrade();
    await live(2, [[there, ANNA, 'gratitude']]);
    await deployment.shows(watcher, 2);
    await deployment.send(ben, { mood: 'connection' });
    await live(2);
    await expectMoods({ gratitude: 1, connection: 1 });
    ben.close();
    await deployment.shows(watcher, 1);
    await expectMoods({ gratitude: 1 });
  });

  it('isolates of both versions send the new room what the old room had not saved', async () => {
    await live(6, [[here, ANNA, 'gratitude']]);
    await live(2, [
      [here, BEN, 'release'],
      [there, CARL, 'connection'],
    ]);
    await upgrade();
    await live(2);
    await expectMoods({ gratitude: 1, release: 1, connection: 1 });
  });

  it('a session that the old room saved ends a TTL after its last heartbeat', async () => {
    await live(1, [[here, ANNA, 'gratitude']]);
    await live(6);
    await upgrade();
    here = deployment.isolate(after);
    there = deployment.isolate(before);
    await live(20);
    await expectMoods({ gratitude: 1 });
    await live(6);
    await expectMoods({});
  });

  it('the alarm of the old room ends the session of a socket that sends nothing', async () => {
    const [ben, watcher] = [await open(here), await open(here)];
    await deployment.send(ben, { sessionId: BEN, mood: 'release' });
    await live(6);
    const { alarmAt } = await deployment.room();
    await upgrade();
    await deployment.pass((alarmAt ?? 0) - deployment.nowMs);
    await deployment.alarm();
    expect((await ben.closed).code).toBe(1008);
    await deployment.shows(watcher, 0);
    await expectMoods({});
  });
});
