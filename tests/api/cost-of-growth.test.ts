import { reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ROOM_NAME } from '../../src/presence/room-protocol';
import { MOODS } from '../../src/presence/session';
import { FakeWorld } from '../fake-world';
import { type Fetch, post } from '../http';
import { createApp } from '../openapi/observed-app';
import { TroubledKv } from '../presence/troubled-kv';
import { TroubledRoom } from '../presence/troubled-room';
import { sessionId } from '../session-id';
import { StepCounter } from '../step-counter';
import { WatchedPlatform } from '../watched-platform';

const HEARTBEATS = 1_000;

let world: FakeWorld;
let platform: WatchedPlatform;
let kv: TroubledKv;
let room: TroubledRoom;
beforeEach(async () => {
  await reset();
  platform = new WatchedPlatform();
  kv = new TroubledKv(platform.kv);
  room = new TroubledRoom(() => platform.room(ROOM_NAME));
  world = new FakeWorld();
  vi.useFakeTimers({ toFake: ['Date'] });
  world.onTick = (now) => void vi.setSystemTime(now);
});
afterEach(async () => {
  await platform.idle();
  vi.useRealTimers();
});

function isolate(hub: string): Fetch {
  const app = createApp({ now: world.now, sleep: world.sleep, random: () => 0.5 });
  const own = { ...env, PRESENCE_HUB: hub, PRESENCE_KV: kv.store, PRESENCE_ROOM: { getByName: () => room } };
  return (path, init) => app.request(path, init, own);
}

/** How often KV and the room have been asked for anything. */
const operations = () => kv.operations.get + kv.operations.put + kv.operations.list + room.calls;

/** What 1,000 heartbeats within a second cost a replica that holds so many sessions. */
async function costOf(hub: string, sessions: number) {
  const fetch = isolate(hub);
  const beat = async (n: number) => {
    const answer = await post(fetch, '/api/heartbeat', {
      sessionId: sessionId(n % sessions),
      mood: MOODS[n % 4],
    });
    return (await answer.text()).length;
  };
  for (let n = 0; n < sessions; n += 1) await beat(n);
  await world.advance(1_100);
  await beat(0);
  await platform.idle();

  const operationsBefore = operations();
  const counter = new StepCounter();
  for (let n = 0; n < HEARTBEATS; n += 1) await beat(n);
  const steps = counter.stop();
  return { operations: operations() - operationsBefore, steps };
}

it.each(['kv', 'durable-object'])(
  'with the hub %s a heartbeat touches as little in a crowd of 10,000 as in one of 1,000, and no storage',
  async (hub) => {
    const few = await costOf(hub, 1_000);
    await reset();
    const many = await costOf(hub, 10_000);
    expect(few.operations).toBe(0);
    expect(many.operations).toBe(0);
    expect(many.steps).toBeLessThanOrEqual(few.steps * 1.01);
    expect(few.steps).toBeGreaterThan(HEARTBEATS);
  },
  30_000,
);
