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

const FLOOD_SECONDS = 60;
const SESSIONS = 100;
/** Ids of sessions outside the counted ones. */
const otherId = (n: number) => sessionId(1_000_000 + n);

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

/** Starts an isolate without a limit of new sessions. Different values of `random` give isolates different times of syncs. */
function startIsolate(hub: string, random = 0.5): Fetch {
  const bindings = {
    ...env,
    NEW_SESSIONS: undefined,
    PRESENCE_HUB: hub,
    PRESENCE_KV: kv.store,
    PRESENCE_ROOM: { getByName: () => room },
  };
  // Not the observed app. Its comparison of 10,000 answers with the OpenAPI document takes too long.
  const app = createApp({ now: runtime.now, sleep: runtime.sleep, random: () => random });
  return (path, init) => app.request(path, init, bindings);
}

/** Sends the nth request of a flood: a new session, a changed mood, a leave, a read, or a request that is refused. */
function sendNth(fetch: Fetch, n: number): Response | Promise<Response> {
  const heartbeat = { sessionId: sessionId(n % 997), mood: MOODS[n % 4] };
  switch (n % 8) {
    case 0:
    case 1:
      return post(fetch, '/api/heartbeat', heartbeat);
    case 2:
      return post(fetch, '/api/heartbeat', { ...heartbeat, sessionId: otherId(n) });
    case 3:
      return post(fetch, '/api/leave', heartbeat);
    case 4:
      return post(fetch, '/api/leave', { sessionId: otherId(n - 2) });
    case 5:
      return post(fetch, '/api/leave', { sessionId: crypto.randomUUID() });
    case 6:
      return fetch('/api/presence');
    default:
      return post(fetch, '/api/heartbeat', n % 16 === 7 ? 'nonsense' : { ...heartbeat, mood: 'greed' });
  }
}

/** Advances the clock by one second, and waits for the syncs that are due. */
async function tick(): Promise<void> {
  await runtime.advance(1_000);
  await platform.idle();
}

/** Sends these requests within a minute. */
async function flood(fetch: Fetch, requests: number): Promise<void> {
  const perSecond = requests / FLOOD_SECONDS;
  for (let second = 0; second < FLOOD_SECONDS; second += 1) {
    const from = second * perSecond;
    for (let n = Math.ceil(from); n < from + perSecond; n += 1) await sendNth(fetch, n);
    await tick();
  }
}

describe('10,000 requests within a minute', () => {
  it('10,000 requests in a minute cause no KV operations beyond those that the clock causes', async () => {
    await flood(startIsolate('kv'), 10_000);
    // Syncs are at least 7.5 s apart, and lists at least one minute.
    const syncs = Math.ceil(FLOOD_SECONDS / 7.5) + 1;
    expect(kv.operations.get).toBeGreaterThan(3);
    expect(kv.operations.get).toBeLessThanOrEqual(syncs);
    expect(kv.operations.put).toBeGreaterThan(3);
    expect(kv.operations.put).toBeLessThanOrEqual(syncs);
    expect(kv.operations.list).toBeGreaterThan(0);
    expect(kv.operations.list).toBeLessThanOrEqual(FLOOD_SECONDS / 60 + 1);
    // The eight keys of locations that opened are read at most once in 30 s.
    expect(kv.operations.getOpened).toBeLessThanOrEqual(8 * (FLOOD_SECONDS / 30 + 1));
    expect(kv.operations.putOpened).toBe(0);
  });

  it('10,000 requests in a minute to a failing KV cause only the retries that the clock causes', async () => {
    const fetch = startIsolate('kv');
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    kv.trouble.put = 'refuses';
    await flood(fetch, 10_000);
    // A refused write repeats after 1 to 3 s.
    expect(kv.operations.put).toBeGreaterThanOrEqual(FLOOD_SECONDS / 3);
    expect(kv.operations.put).toBeLessThanOrEqual(FLOOD_SECONDS);
    kv.all = 'throws';
    const before = { ...kv.operations };
    await flood(fetch, 10_000);
    // Retries follow 1, 2, 4 and 8 s after a failure, and then once per interval.
    expect(kv.operations.get - before.get).toBeGreaterThan(5);
    expect(kv.operations.get - before.get).toBeLessThanOrEqual(14);
    expect(kv.operations.put).toBe(before.put);
  }, 120_000);

  it('10,000 requests in a minute cause at most one call to the room in 0.75 s', async () => {
    await flood(startIsolate('durable-object'), 10_000);
    expect(room.calls).toBeGreaterThan(30);
    expect(room.calls).toBeLessThanOrEqual(FLOOD_SECONDS / 0.75 + 1);
  }, 120_000);
});

describe.each([
  ['kv', 60],
  ['durable-object', 15],
])('foreign leaves', (hub, settledAfterSeconds) => {
  it(`100 leaves of other sessions a second change a count of 100 by at most 1 %, with the hub ${hub}`, async () => {
    const isolates = [0, 0.5, 1].map((random) => startIsolate(hub, random));
    const isolateOf = (n: number) => isolates[n % 3] as Fetch;
    for (let second = 0; second < 120; second += 1) {
      for (let n = second % 10; n < SESSIONS; n += 10) {
        const response = await post(isolateOf(n), '/api/heartbeat', {
          sessionId: sessionId(n),
          mood: 'presence',
        });
        const { count } = (await response.json()) as { count: number };
        if (second < settledAfterSeconds) continue;
        expect(count).toBeGreaterThanOrEqual(SESSIONS * 0.99);
        expect(count).toBeLessThanOrEqual(SESSIONS * 1.01);
      }
      for (let n = 0; n < 100; n += 1) {
        // Half of them are unknown sessions. The others start and leave at once.
        const id = otherId(100 * second + n);
        if (n % 2 === 0) await post(isolateOf(n), '/api/heartbeat', { sessionId: id, mood: 'release' });
        await post(isolateOf(n), '/api/leave', { sessionId: id });
      }
      await tick();
    }
  }, 120_000);
});

it('a replica sends the room no leaves of unknown sessions, also after a hanging call', async () => {
  const fetch = startIsolate('durable-object');
  await post(fetch, '/api/heartbeat', { sessionId: sessionId(1), mood: 'presence' });
  room.trouble = 'hangs';
  await runtime.advance(1_100);
  await fetch('/api/presence');
  for (let n = 0; n < 1_000; n += 1) await post(fetch, '/api/leave', { sessionId: otherId(n) });
  room.trouble = undefined;
  room.deliverAnswers();
  await tick();
  await fetch('/api/presence');
  await tick();
  expect(room.lastReport?.heard.size).toBe(0);
});

describe.each(['kv', 'durable-object'])('warm heartbeats', (hub) => {
  it(`1,000 heartbeats take as many steps among 10,000 sessions as among 1,000, and no storage, with the hub ${hub}`, async () => {
    const few = await stepsOf(hub, 1_000);
    await emptyStorage();
    const many = await stepsOf(hub, 10_000);
    expect(few).toBeGreaterThan(1_000);
    expect(many).toBeLessThanOrEqual(few * 1.01);
  }, 60_000);
});

/** Returns the steps of 1,000 heartbeats with Maps and Sets, among `sessions` present sessions. */
async function stepsOf(hub: string, sessions: number): Promise<number> {
  const fetch = startIsolate(hub);
  const heartbeat = (n: number) =>
    post(fetch, '/api/heartbeat', { sessionId: sessionId(n % sessions), mood: MOODS[n % 4] });
  for (let n = 0; n < sessions; n += 1) await heartbeat(n);
  await tick();
  await heartbeat(0);
  await tick();

  const before = { ...kv.operations, calls: room.calls };
  const counter = new StepCounter();
  for (let n = 0; n < 1_000; n += 1) await heartbeat(n);
  const steps = counter.stop();
  expect({ ...kv.operations, calls: room.calls }).toEqual(before);
  return steps;
}
