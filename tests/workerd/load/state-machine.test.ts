import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PresenceState } from '../../../src/api/answer-schemas';
import { hubSettings, parseSettings } from '../../../src/config';
import { MOODS } from '../../../src/moods';
import { type Mood, totalOf, ZERO_COUNTS } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';
import { TroubledKv } from '../../support/troubled-kv';
import { TroubledRoom } from '../../support/troubled-room';
import { WatchedPlatform } from './watched-platform';

/** The default TTL (ms). */
const TTL = parseSettings({}).timing.ttlMs;
const HUBS = ['kv', 'durable-object'] as const;
type HubName = (typeof HUBS)[number];

/** The channels of each hub. '' is the default channel. */
const CHANNELS: Readonly<Record<HubName, readonly string[]>> = { kv: [''], 'durable-object': ['', 'lobby'] };

const pathIn = (channel: string, path: string) =>
  channel === '' ? `/api/${path}` : `/api/channels/${channel}/${path}`;

/** An isolate counts a session at most this long after its last heartbeat at another isolate (ms). */
const REMOTE_MAX: Readonly<Record<HubName, number>> = {
  // A session of an isolate that was alone counts for the lifetime of a tombstone.
  kv: hubSettings('kv', TTL, undefined).timing.tombstoneTtlMs,
  // An answer of the room counts for a TTL, and a session in the answer for another TTL.
  'durable-object': 2 * TTL + 1_000,
};

/** The last heartbeat or leave of a session. */
interface Event {
  readonly id: string;
  readonly channel: string;
  readonly at: number;
  readonly isolate: number;
  /** `null` for a leave. */
  readonly mood: Mood | null;
}

/** The last event of each session in each channel, and the start of each isolate. It has neither replicas nor hubs. */
interface Model {
  readonly events: Map<string, Event>;
  readonly heartbeats: Map<string, Event>;
  readonly startedAt: number[];
}

/** Isolates with one hub. The test controls their clock and the failures of their hub. */
class Service {
  readonly runtime = new FakeRuntime();
  readonly #hub: HubName;
  readonly #platform = new WatchedPlatform();
  readonly #kv = new TroubledKv(this.#platform.kv);
  readonly #room = new TroubledRoom(() => this.#platform.room(`room ${this.#rooms}`));
  #rooms = 0;
  readonly #isolates: Fetch[];

  constructor(hub: HubName, isolates: number) {
    this.#hub = hub;
    this.runtime.onTick = (now) => void vi.setSystemTime(now);
    this.#isolates = Array.from({ length: isolates }, (_, index) => this.#start(index / isolates));
  }

  get size(): number {
    return this.#isolates.length;
  }

  restart(isolate: number): void {
    this.#isolates[isolate] = this.#start(isolate / this.size);
  }

  /** Replaces the room by an empty one. */
  loseRoom(): void {
    this.#rooms += 1;
  }

  set trouble(trouble: 'fails' | 'hangs' | 'loses' | undefined) {
    this.#kv.all = trouble === 'fails' ? 'throws' : trouble === 'hangs' ? 'hangs' : undefined;
    if (trouble === 'loses') this.#kv.trouble.put = 'refuses';
    this.#room.trouble =
      trouble === 'fails' ? 'throws' : trouble === 'hangs' ? 'hangs' : trouble && 'loses its answer';
    if (trouble === undefined) this.#room.deliverAnswers();
  }

  async pass(ms: number): Promise<void> {
    await this.runtime.advance(ms);
    await this.#platform.idle();
  }

  /** Sends a request, and advances the clock until it is answered. */
  async request(isolate: number, path: string, body?: unknown): Promise<Response> {
    const fetch = this.#isolates[isolate] as Fetch;
    let answer: Response | undefined;
    const sent = Promise.resolve(body === undefined ? fetch(path) : post(fetch, path, body));
    const answered = sent.then((response) => {
      answer = response;
    });
    for (;;) {
      // A read of a body takes real time.
      await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 1))]);
      await this.#platform.idle();
      if (answer !== undefined) return answer;
      await this.runtime.advance(100);
    }
  }

  #start(random: number): Fetch {
    const { now, sleep } = this.runtime;
    const bindings = {
      PRESENCE_HUB: this.#hub,
      ...(this.#hub === 'durable-object' && { CHANNELS: 'lobby' }),
      PRESENCE_KV: this.#kv.store,
      PRESENCE_ROOM: { getByName: () => this.#room },
    };
    return fetchOf(bindings, { now, sleep, random: () => random });
  }
}

type Command = fc.AsyncCommand<Model, Service>;

/** Compares the answer of an isolate in a channel with the model, and returns the answer. */
async function check(
  model: Model,
  service: Service,
  hub: HubName,
  isolate: number,
  channel: string,
  response: Response,
): Promise<PresenceState> {
  expect(response.status).toBe(200);
  const state = strict(PresenceState).parse(await response.json());
  const now = service.runtime.now();
  expect(state.timestamp).toBe(now);
  expect(state.count).toBe(totalOf(state.moods));
  const atLeast = { ...ZERO_COUNTS } as Record<Mood, number>;
  let atMost = 0;
  for (const [key, event] of model.events) {
    if (event.channel !== channel) continue;
    const isOwn = event.isolate === isolate && event.at >= (model.startedAt[isolate] ?? 0);
    if (event.mood !== null && isOwn && now < event.at + TTL) atLeast[event.mood] += 1;
    const heartbeat = model.heartbeats.get(key);
    const leftHere =
      event.mood === null &&
      isOwn &&
      heartbeat?.isolate === isolate &&
      heartbeat.at >= (model.startedAt[isolate] ?? 0);
    const endedHere = event.mood !== null && isOwn && now >= event.at + TTL;
    if (heartbeat !== undefined && !leftHere && !endedHere && now < heartbeat.at + REMOTE_MAX[hub])
      atMost += 1;
  }
  for (const mood of MOODS) expect(state.moods[mood]).toBeGreaterThanOrEqual(atLeast[mood]);
  expect(state.count).toBeLessThanOrEqual(atMost);
  return state;
}

const command = (name: string, run: Command['run']): Command => ({
  check: () => true,
  run,
  toString: () => name,
});

function heartbeat(hub: HubName, session: number, isolate: number, channel: string, mood: Mood): Command {
  return command(`heartbeat(${session} in '${channel}', at ${isolate}, ${mood})`, async (model, service) => {
    await service.pass(1);
    const id = sessionId(session);
    const event = { id, channel, at: service.runtime.now(), isolate, mood };
    model.events.set(`${channel} ${id}`, event);
    model.heartbeats.set(`${channel} ${id}`, event);
    const response = await service.request(isolate, pathIn(channel, 'heartbeat'), { sessionId: id, mood });
    const state = await check(model, service, hub, isolate, channel, response);
    expect(state.moods[mood]).toBeGreaterThanOrEqual(1);
  });
}

function leave(session: number, isolate: number, channel: string): Command {
  return command(`leave(${session} in '${channel}', at ${isolate})`, async (model, service) => {
    await service.pass(1);
    const id = sessionId(session);
    model.events.set(`${channel} ${id}`, { id, channel, at: service.runtime.now(), isolate, mood: null });
    const response = await service.request(isolate, pathIn(channel, 'leave'), { sessionId: id });
    expect(await response.json()).toEqual({ success: true });
  });
}

const commandsFor = (hub: HubName, isolates: number) => {
  const session = fc.nat(4);
  const isolate = fc.nat(isolates - 1);
  const channel = fc.constantFrom(...CHANNELS[hub]);
  return fc.commands(
    [
      fc
        .tuple(session, isolate, channel, fc.constantFrom(...MOODS))
        .map(([session, index, channel, mood]) => heartbeat(hub, session, index, channel, mood)),
      fc.tuple(session, isolate, channel).map(([session, index, channel]) => leave(session, index, channel)),
      fc.tuple(isolate, channel).map(([index, channel]) =>
        command(`read('${channel}' at ${index})`, async (model, service) => {
          const response = await service.request(index, pathIn(channel, 'presence'));
          await check(model, service, hub, index, channel, response);
        }),
      ),
      fc
        .tuple(isolate, fc.constantFrom({}, 'invalid', { sessionId: sessionId(0), mood: 'greed' }))
        .map(([index, body]) =>
          command(`invalid(at ${index}, ${JSON.stringify(body)})`, async (_model, service) => {
            expect((await service.request(index, '/api/heartbeat', body)).status).toBe(400);
          }),
        ),
      fc
        .oneof(fc.nat(2_000), fc.nat(40_000), fc.constantFrom(TTL - 1, TTL))
        .map((ms) => command(`pass(${ms} ms)`, (_model, service) => service.pass(ms))),
      fc.constantFrom('fails', 'hangs', 'loses', undefined).map((trouble) =>
        command(`trouble(${trouble ?? 'none'})`, async (_model, service) => {
          service.trouble = trouble;
          await service.pass(0);
        }),
      ),
      isolate.map((index) =>
        command(`restart(${index})`, async (model, service) => {
          await service.pass(1);
          service.restart(index);
          model.startedAt[index] = service.runtime.now();
        }),
      ),
      ...(hub === 'kv'
        ? []
        : [fc.constant(command('the room loses its memory', async (_model, service) => service.loseRoom()))]),
    ],
    { size: 'max', maxCommands: 60 },
  );
};

/** Ends the trouble, and lets all sessions but the present ones expire. Then checks that each isolate has the counts of the model. */
async function checkFinalCounts(model: Model, service: Service, hub: HubName): Promise<void> {
  service.trouble = undefined;
  const present = [...model.events].filter(
    ([, { mood, at }]) => mood !== null && service.runtime.now() < at + TTL,
  );
  const rounds = Math.ceil((REMOTE_MAX[hub] + 60_000) / 10_000);
  for (let round = 0; round < rounds; round += 1) {
    for (const [, { id, channel, isolate, mood }] of present)
      await service.request(isolate, pathIn(channel, 'heartbeat'), { sessionId: id, mood });
    for (let isolate = 0; isolate < service.size; isolate += 1)
      await service.request(isolate, '/api/presence');
    await service.pass(round === rounds - 1 ? 2_000 : 10_000);
  }
  for (const channel of CHANNELS[hub]) {
    const moods = { ...ZERO_COUNTS } as Record<Mood, number>;
    for (const [, event] of present)
      if (event.channel === channel && event.mood !== null) moods[event.mood] += 1;
    for (let isolate = 0; isolate < service.size; isolate += 1) {
      const response = await service.request(isolate, pathIn(channel, 'presence'));
      expect(await response.json(), `'${channel}' at ${isolate}`).toMatchObject({ moods });
    }
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

it.each(HUBS)(
  'isolates with the hub %s answer as the model after events, trouble and restarts in any order',
  async (hub) => {
    const property = fc.asyncProperty(
      fc
        .integer({ min: 1, max: 3 })
        .chain((isolates) => fc.tuple(fc.constant(isolates), commandsFor(hub, isolates))),
      async ([isolates, commands]) => {
        await emptyStorage();
        vi.spyOn(console, 'warn').mockImplementation(() => undefined);
        const service = new Service(hub, isolates);
        const model: Model = { events: new Map(), heartbeats: new Map(), startedAt: [] };
        await fc.asyncModelRun(() => ({ model, real: service }), commands);
        await checkFinalCounts(model, service, hub);
      },
    );
    await fc.assert(property, { numRuns: 12 });
  },
  120_000,
);
