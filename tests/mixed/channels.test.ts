import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { LiveClient } from '../support/live-client';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate, until } from './deployment';
import type { Version } from './test-protocol';

const [ANNA, BEN, CARL, DORA] = [sessionId(1), sessionId(2), sessionId(3), sessionId(4)];
const SECOND = 1_000;
/** The sync interval with the room. */
const ROUND_MS = SECOND + 1;
const TTL_ROUNDS = 33;
/** The room saves its changes every 5 s. */
const SAVE_ROUNDS = 6;

/** The isolate that gets the heartbeats of a session, its mood and its channel. Without a channel it is the default one. */
type Visit = readonly [isolate: Isolate, id: string, mood: string, channel?: string];
type Moods = Readonly<Record<string, number>>;

let deployment: Deployment;
/** An isolate of 1.0. */
let old: Isolate;
/** Two isolates of today, with channels. */
let here: Isolate;
let there: Isolate;

function useDeployment(room: Version): void {
  beforeAll(() => {
    deployment = new Deployment(room, 'lobby, post-*');
  });
  afterAll(() => deployment.dispose());
  beforeEach(async () => {
    await deployment.deployRoom(room);
    await deployment.reset();
    old = deployment.isolate('1.0');
    here = deployment.isolate('today');
    there = deployment.isolate('today');
  });
}

/** In each round the isolates sync one after the other. Then each session sends a heartbeat. */
async function live(rounds: number, visits: readonly Visit[] = []): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await deployment.pass(ROUND_MS);
    for (const isolate of [old, here, there]) await isolate.sync();
    for (const [isolate, id, mood, channel] of visits) await isolate.heartbeat(id, mood, channel);
  }
}

async function open(isolate: Isolate, channel?: string): Promise<LiveClient> {
  const client = await isolate.open(channel);
  onTestFinished(() => client.close());
  return client;
}

/** The object hibernates, and the next event constructs a room of that version. */
async function switchTo(version: Version): Promise<void> {
  await deployment.deployRoom(version);
  await deployment.hibernate();
  expect((await deployment.room()).version).toBe(version);
}

const all = (moods: Moods) => ({ gratitude: 0, presence: 0, release: 0, connection: 0, ...moods });

async function expectMoods(isolates: readonly Isolate[], moods: Moods, channel?: string): Promise<void> {
  for (const isolate of isolates)
    expect((await isolate.presence(channel)).moods, `${channel} of ${isolate.version}`).toEqual(all(moods));
}

/** Isolates of both versions, also fresh ones, count these moods in the default channel and no others. */
const expectDefault = (moods: Moods) =>
  expectMoods([old, here, there, deployment.isolate('1.0'), deployment.isolate('today')], moods);

/** All isolates of today, also a fresh one, count these moods in a named channel and no others. */
const expectChannel = (channel: string, moods: Moods) =>
  expectMoods([here, there, deployment.isolate('today')], moods, channel);

/** The visits at the start of each test. Anna has a session in two channels, at two isolates. */
const visits = (): readonly Visit[] => [
  [old, ANNA, 'gratitude'],
  [here, BEN, 'release'],
  [here, ANNA, 'presence', 'lobby'],
  [there, CARL, 'connection', 'lobby'],
  [there, DORA, 'connection', 'post-7'],
];

describe('a room of today', () => {
  useDeployment('today');

  it('an isolate of 1.0 counts the default channel only, and all isolates of today agree on each channel', async () => {
    await live(3, visits());
    await live(2);
    await expectDefault({ gratitude: 1, release: 1 });
    await expectChannel('lobby', { presence: 1, connection: 1 });
    await expectChannel('post-7', { connection: 1 });
    expect(await here.health()).toMatchObject({ status: 'ok', reason: null });
  });

  it('the room sends sessions of channels only to an isolate that requests them', async () => {
    await live(3, visits());
    await live(2);
    const calls = await deployment.calls();
    const answers = JSON.stringify(calls.filter(({ report }) => !('channels' in report)));
    expect(answers).toContain(ANNA);
    expect(answers).not.toContain('lobby');
    expect(JSON.stringify(calls.filter(({ report }) => 'channels' in report))).toContain(`lobby/${ANNA}`);
  });

  it('a leave at any isolate ends a session in its channel only', async () => {
    await live(3, visits());
    await deployment.pass(1);
    await there.leave(ANNA, 'lobby');
    await live(2);
    await expectChannel('lobby', { connection: 1 });
    await expectDefault({ gratitude: 1, release: 1 });
    await old.leave(ANNA);
    await here.heartbeat(ANNA, 'presence', 'lobby');
    await live(2);
    await expectChannel('lobby', { presence: 1, connection: 1 });
    await expectDefault({ release: 1 });
  });

  it('a session of a channel that moves to another isolate is counted once, with its new mood', async () => {
    await live(3, visits());
    await deployment.pass(1);
    expect((await there.heartbeat(ANNA, 'release', 'lobby')).count).toBe(2);
    await live(2);
    await expectChannel('lobby', { release: 1, connection: 1 });
    await expectDefault({ gratitude: 1, release: 1 });
  });

  it('the sessions of a channel expire a TTL after their last heartbeats', async () => {
    await live(3, visits());
    await live(TTL_ROUNDS, [[old, ANNA, 'gratitude']]);
    await expectChannel('lobby', {});
    await expectChannel('post-7', {});
    await expectDefault({ gratitude: 1 });
  });

  it('the session of a socket counts in its channel only', async () => {
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await live(2, [[old, ANNA, 'gratitude']]);
    await live(2);
    await deployment.shows(lobby, 1);
    await expectChannel('lobby', { release: 1 });
    await expectDefault({ gratitude: 1 });
  });

  it('a socket that an isolate of 1.0 opens is in the default channel', async () => {
    const [ben, lobby] = [await open(old), await open(here, 'lobby')];
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await deployment.send(ben, { sessionId: BEN, mood: 'connection' });
    await live(2, [[here, ANNA, 'gratitude']]);
    await live(2);
    await deployment.shows(ben, 2);
    await expectDefault({ gratitude: 1, connection: 1 });
    await expectChannel('lobby', { release: 1 });
  });
});

describe('a room of 1.0', () => {
  useDeployment('1.0');

  it('with a room of 1.0, an isolate of today counts only its own sessions in a channel', async () => {
    await live(3, visits());
    await live(2);
    await expectDefault({ gratitude: 1, release: 1 });
    await expectMoods([here], { presence: 1 }, 'lobby');
    await expectMoods([there], { connection: 1 }, 'lobby');
    await expectMoods([deployment.isolate('today')], {}, 'lobby');
  });

  it('a room of 1.0 receives and stores no session of a channel', async () => {
    await live(3, visits());
    await live(SAVE_ROUNDS);
    const reported = JSON.stringify((await deployment.calls()).map(({ report }) => report['heard']));
    expect(reported).toContain(ANNA);
    expect(reported).not.toContain('lobby');
    const { rows } = await deployment.room();
    expect(JSON.stringify(rows)).toContain(ANNA);
    expect(JSON.stringify(rows)).not.toContain('lobby');
  });

  it('with a room of 1.0, a session of a channel leaves and expires at its own isolate', async () => {
    await live(3, visits());
    await there.leave(CARL, 'lobby');
    await expectMoods([there], {}, 'lobby');
    await live(TTL_ROUNDS, [[old, ANNA, 'gratitude']]);
    await expectMoods([here], {}, 'lobby');
    await expectDefault({ gratitude: 1 });
  });

  it('with a room of 1.0, an isolate with channels is degraded, and an isolate of 1.0 is not', async () => {
    await live(2);
    for (const isolate of [here, there])
      expect(await isolate.health()).toMatchObject({ status: 'degraded', reason: 'sync-failed' });
    expect(await old.health()).toMatchObject({ status: 'ok' });
  });

  it('with a room of 1.0, a request for a live socket in a channel gets 503 and leaves no socket', async () => {
    const watcher = await open(here);
    await live(1, [[old, ANNA, 'gratitude']]);
    for (const isolate of [here, there])
      expect(await isolate.openRefused('lobby')).toEqual({ status: 503, type: '/docs#live-unavailable' });
    await until(async () => (await deployment.room()).attachments.length === 1);
    await live(2);
    await deployment.shows(watcher, 1);
    await expectDefault({ gratitude: 1 });
  });

  it('the sessions of all isolates count in their channel two syncs after the room is of today', async () => {
    await live(3, visits());
    await live(SAVE_ROUNDS);
    await switchTo('today');
    await live(2);
    await expectDefault({ gratitude: 1, release: 1 });
    await expectChannel('lobby', { presence: 1, connection: 1 });
    await expectChannel('post-7', { connection: 1 });
    for (const isolate of [here, there])
      expect(await isolate.health()).toMatchObject({ status: 'ok', reason: null });
  });

  it('a session that left its channel before the room is of today does not return', async () => {
    await live(3, visits());
    await here.leave(ANNA, 'lobby');
    await switchTo('today');
    await live(2);
    await expectChannel('lobby', { connection: 1 });
    await expectDefault({ gratitude: 1, release: 1 });
  });

  it('a live socket in a channel opens once the room is of today', async () => {
    const watcher = await open(old);
    expect((await here.openRefused('lobby')).status).toBe(503);
    await live(1);
    await switchTo('today');
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await live(2, [[there, ANNA, 'gratitude', 'lobby']]);
    await live(2, [[old, BEN, 'connection']]);
    await live(2);
    await deployment.shows(lobby, 2);
    await deployment.shows(watcher, 1);
    await expectChannel('lobby', { gratitude: 1, release: 1 });
    await expectDefault({ connection: 1 });
  });
});

describe('a rollback of the room', () => {
  useDeployment('today');

  /** The stored sessions and the attachments of the room. */
  async function stored(): Promise<string> {
    const { rows, attachments } = await deployment.room();
    return JSON.stringify([rows, attachments]);
  }

  it('a room of 1.0 counts no session of a channel from the journal of today', async () => {
    await live(3, visits());
    await live(SAVE_ROUNDS);
    expect(await stored()).toContain(`lobby/${ANNA}`);
    await switchTo('1.0');
    await expectMoods([deployment.isolate('1.0'), deployment.isolate('today')], { gratitude: 1, release: 1 });
    await live(2);
    await expectDefault({ gratitude: 1, release: 1 });
    await expectMoods([here], { presence: 1 }, 'lobby');
    await expectMoods([there], { connection: 1 }, 'lobby');
    expect(await here.health()).toMatchObject({ status: 'degraded', reason: 'sync-failed' });
  });

  it('after a rollback of the room the default channel is right, and each session expires', async () => {
    await live(3, visits());
    await live(SAVE_ROUNDS);
    await switchTo('1.0');
    await live(TTL_ROUNDS, [[old, ANNA, 'gratitude']]);
    await expectDefault({ gratitude: 1 });
    await expectMoods([here, there], {}, 'lobby');
  });

  it('a room that returns to today counts each channel two syncs later', async () => {
    await live(3, visits());
    await live(SAVE_ROUNDS);
    await switchTo('1.0');
    await live(2, visits());
    await here.leave(ANNA, 'lobby');
    await live(SAVE_ROUNDS);
    await switchTo('today');
    await live(2);
    await expectDefault({ gratitude: 1, release: 1 });
    await expectChannel('lobby', { connection: 1 });
    await expectChannel('post-7', { connection: 1 });
  });

  it('a socket of a channel counts in no channel of the room of 1.0', async () => {
    const [lobby, post, watcher] = [
      await open(here, 'lobby'),
      await open(there, 'post-7'),
      await open(here, 'lobby'),
    ];
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await deployment.send(post, { sessionId: DORA, mood: 'connection' });
    await live(SAVE_ROUNDS, [[old, ANNA, 'gratitude']]);
    await deployment.shows(watcher, 1);
    await switchTo('1.0');
    await live(3);
    await expectDefault({ gratitude: 1 });
    // The sockets stay open, and as watchers they get the default channel.
    await old.heartbeat(BEN, 'presence');
    await live(1);
    await deployment.shows(watcher, 2);
    await expectDefault({ gratitude: 1, presence: 1 });
  });

  it('a room of 1.0 closes a socket of a channel that changes its mood, and does not count it', async () => {
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await live(SAVE_ROUNDS, [[old, ANNA, 'gratitude']]);
    await switchTo('1.0');
    lobby.send({ mood: 'connection' });
    expect((await lobby.closed).code).toBe(1008);
    await live(2);
    await expectDefault({ gratitude: 1 });
  });

  it('the close of a socket of a channel ends no session of the default one in a room of 1.0', async () => {
    await live(2, [[old, ANNA, 'gratitude']]);
    await live(1);
    const lobby = await open(here, 'lobby');
    // This follows the heartbeats in the default channel, otherwise they keep the session there.
    await deployment.send(lobby, { sessionId: ANNA, mood: 'release' });
    await live(SAVE_ROUNDS);
    await switchTo('1.0');
    lobby.close();
    await until(async () => (await deployment.room()).attachments.length === 0);
    await live(2);
    await expectDefault({ gratitude: 1 });
  });

  it('a socket of a channel is in its channel again when the room returns to today', async () => {
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await live(SAVE_ROUNDS, [[old, ANNA, 'gratitude']]);
    await switchTo('1.0');
    await live(2);
    await switchTo('today');
    await live(2);
    await expectChannel('lobby', { release: 1 });
    await expectDefault({ gratitude: 1 });
    await there.heartbeat(BEN, 'presence', 'lobby');
    await live(1);
    await deployment.shows(lobby, 2);
    await deployment.send(lobby, { mood: 'connection' });
    await live(2);
    await expectChannel('lobby', { connection: 1, presence: 1 });
    await expectDefault({ gratitude: 1 });
  });
});
