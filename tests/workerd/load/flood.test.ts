import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../../src/app';
import { MOODS } from '../../../src/moods';
import { ROOM_NAME } from '../../../src/presence/room/room-protocol';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { sessionId } from '../../support/session-id';
import { TroubledKv } from '../../support/troubled-kv';
import { TroubledRoom } from '../../support/troubled-room';
import { StepCounter } from './step-counter';
import { WatchedPlatform } from './watched-platform';

/** For how long a flood lasts. */
const FLOOD_SECONDS = 60;
const PEOPLE = 100;
/** Ids of those who are not people. */
const stranger = (n: number) => sessionId(1_000_000 + n);

let runtime: FakeRuntime;
let platform: WatchedPlatform;
let kv: TroubledKv;
let room: TroubledRoom;
beforeEach(async () => {
  await emptyStorage();
  platform = new WatchedPlatform();
  kv = new TroubledKv(platform.kv);
  room = new TroubledRoom(() => platform.room(ROOM_NAME));
  runtime = new FakeRuntime();
  vi.useFakeTimers({ toFake: ['Date'] });
  runtime.onTick = (now) => void vi.setSystemTime(now);
});
afterEach(async () => {
  await platform.idle();
  vi.useRealTimers();
});

/** An isolate that nothing keeps new sessions from, with the hub of that name. `luck` keeps several out of step. */
function isolate(hub: string, luck = 0.5): Fetch {
  const own = {
    ...env,
    NEW_SESSIONS: undefined,
    PRESENCE_HUB: hub,
    PRESENCE_KV: kv.store,
    PRESENCE_ROOM: { getByName: () => room },
  };
  // Not observed: to compare 10,000 answers with the OpenAPI document takes longer than to make them.
  const app = createApp({ now: runtime.now, sleep: runtime.sleep, random: () => luck });
  return (path, init) => app.request(path, init, own);
}

/** Anything that somebody who wants to run up a bill may send: new sessions, changes, leaves, and what is refused. */
function costly(fetch: Fetch, n: number): Response | Promise<Response> {
  const beat = { sessionId: sessionId(n % 997), mood: MOODS[n % 4] };
  switch (n % 8) {
    case 0:
    case 1:
      return post(fetch, '/api/heartbeat', beat);
    case 2:
      return post(fetch, '/api/heartbeat', { ...beat, sessionId: stranger(n) });
    case 3:
      return post(fetch, '/api/leave', beat);
    case 4:
      return post(fetch, '/api/leave', { sessionId: stranger(n - 2) });
    case 5:
      return post(fetch, '/api/leave', { sessionId: crypto.randomUUID() });
    case 6:
      return fetch('/api/presence');
    default:
      return post(fetch, '/api/heartbeat', n % 16 === 7 ? 'nonsense' : { ...beat, mood: 'greed' });
  }
}

/** A second passes, and what it made due is done. */
async function tick(): Promise<void> {
  await runtime.advance(1_000);
  await platform.idle();
}

/** Sends so many requests within a minute. */
async function flood(fetch: Fetch, requests: number): Promise<void> {
  const aSecond = requests / FLOOD_SECONDS;
  for (let second = 0; second < FLOOD_SECONDS; second += 1) {
    const from = second * aSecond;
    for (let n = Math.ceil(from); n < from + aSecond; n += 1) await costly(fetch, n);
    await tick();
  }
}

describe('10,000 requests within a minute', () => {
  it('make KV do what time makes due, and not a thing for themselves', async () => {
    await flood(isolate('kv'), 10_000);
    // Syncs are 10 s apart, less a quarter at most; lists a minute.
    const syncs = Math.ceil(FLOOD_SECONDS / 7.5) + 1;
    expect(kv.operations.get).toBeGreaterThan(3);
    expect(kv.operations.get).toBeLessThanOrEqual(syncs);
    expect(kv.operations.put).toBeGreaterThan(3);
    expect(kv.operations.put).toBeLessThanOrEqual(syncs);
    expect(kv.operations.list).toBeGreaterThan(0);
    expect(kv.operations.list).toBeLessThanOrEqual(FLOOD_SECONDS / 60 + 1);
  });

  it('make KV do no more where it refuses or fails', async () => {
    const fetch = isolate('kv');
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    kv.trouble.put = 'refuses';
    await flood(fetch, 10_000);
    // A refused write is tried again after 1 to 3 s.
    expect(kv.operations.put).toBeGreaterThanOrEqual(FLOOD_SECONDS / 3);
    expect(kv.operations.put).toBeLessThanOrEqual(FLOOD_SECONDS);
    kv.all = 'throws';
    const before = { ...kv.operations };
    await flood(fetch, 10_000);
    // 1, 2, 4 and 8 s after a failure, and then every interval.
    expect(kv.operations.get - before.get).toBeGreaterThan(5);
    expect(kv.operations.get - before.get).toBeLessThanOrEqual(14);
    expect(kv.operations.put).toBe(before.put);
  }, 120_000);

  it('make one call a second to the room', async () => {
    await flood(isolate('durable-object'), 10_000);
    expect(room.calls).toBeGreaterThan(30);
    expect(room.calls).toBeLessThanOrEqual(FLOOD_SECONDS / 0.75 + 1);
  }, 120_000);
});

describe.each([
  ['kv', 60],
  ['durable-object', 15],
])('100 leaves of strangers a second: %s', (hub, settledAfterSeconds) => {
  it('leave the count of 100 people on three isolates within 1 %', async () => {
    const isolates = [0, 0.5, 1].map((luck) => isolate(hub, luck));
    const at = (n: number) => isolates[n % 3] as Fetch;
    for (let second = 0; second < 120; second += 1) {
      for (let n = second % 10; n < PEOPLE; n += 10) {
        const response = await post(at(n), '/api/heartbeat', { sessionId: sessionId(n), mood: 'presence' });
        const { count } = (await response.json()) as { count: number };
        if (second < settledAfterSeconds) continue;
        expect(count).toBeGreaterThanOrEqual(PEOPLE * 0.99);
        expect(count).toBeLessThanOrEqual(PEOPLE * 1.01);
      }
      for (let n = 0; n < 100; n += 1) {
        // Half of them were never heard of; the others come for a moment just to leave.
        const id = stranger(100 * second + n);
        if (n % 2 === 0) await post(at(n), '/api/heartbeat', { sessionId: id, mood: 'release' });
        await post(at(n), '/api/leave', { sessionId: id });
      }
      await tick();
    }
  }, 120_000);
});

it('a room hears nothing of leaves of strangers, however long a call to it takes', async () => {
  const fetch = isolate('durable-object');
  await post(fetch, '/api/heartbeat', { sessionId: sessionId(1), mood: 'presence' });
  room.trouble = 'hangs';
  await runtime.advance(1_100);
  await fetch('/api/presence');
  for (let n = 0; n < 1_000; n += 1) await post(fetch, '/api/leave', { sessionId: stranger(n) });
  room.trouble = undefined;
  room.letGo();
  await tick();
  await fetch('/api/presence');
  await tick();
  expect(room.lastReport?.heard.size).toBe(0);
});

describe.each(['kv', 'durable-object'])('1,000 heartbeats between two syncs: %s', (hub) => {
  it('touch as little in a crowd of 10,000 as in one of 1,000, and no storage', async () => {
    const few = await stepsOf(hub, 1_000);
    await emptyStorage();
    const many = await stepsOf(hub, 10_000);
    expect(few).toBeGreaterThan(1_000);
    expect(many).toBeLessThanOrEqual(few * 1.01);
  }, 60_000);
});

/** What 1,000 heartbeats do with Maps and Sets where so many sessions live. */
async function stepsOf(hub: string, sessions: number): Promise<number> {
  const fetch = isolate(hub);
  const beat = (n: number) =>
    post(fetch, '/api/heartbeat', { sessionId: sessionId(n % sessions), mood: MOODS[n % 4] });
  for (let n = 0; n < sessions; n += 1) await beat(n);
  await tick();
  await beat(0);
  await tick();

  const before = { ...kv.operations, calls: room.calls };
  const counter = new StepCounter();
  for (let n = 0; n < 1_000; n += 1) await beat(n);
  const steps = counter.stop();
  expect({ ...kv.operations, calls: room.calls }).toEqual(before);
  return steps;
}
