import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { hubSettings } from '../../../src/config';
import { MOODS } from '../../../src/moods';
import { type Mood, PresenceState, totalOf, ZERO_COUNTS } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { TroubledKv } from '../../support/troubled-kv';
import { TroubledRoom } from '../../support/troubled-room';
import { WatchedPlatform } from './watched-platform';

const TTL = 30_000;
const HUBS = ['kv', 'durable-object'] as const;
type HubName = (typeof HUBS)[number];

/** For so long after a last heartbeat that only others have heard an isolate may count somebody (ms). */
const GHOST_MAX: Readonly<Record<HubName, number>> = {
  // Nobody's word is remembered for longer.
  kv: hubSettings('kv', TTL, undefined).timing.tombstoneTtlMs,
  // The room's last word holds for a TTL, and its sessions live for one.
  'durable-object': 2 * TTL + 1_000,
};

/** The last that a person did, as a list on paper would have it. */
interface Deed {
  readonly at: number;
  readonly isolate: number;
  /** null: left. */
  readonly mood: Mood | null;
}

/** A list on paper: who did what last, and where; and since when each isolate runs. It knows nothing of replicas and hubs. */
interface Paper {
  readonly deeds: Map<string, Deed>;
  readonly lastBeats: Map<string, Deed>;
  readonly startedAt: number[];
}

/** The service: isolates with one hub, whose clock the test moves and whose hub it breaks. */
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

  /** Another one takes its place, which knows nothing. */
  loseRoom(): void {
    this.#rooms += 1;
  }

  set trouble(trouble: 'fails' | 'hangs' | 'loses' | undefined) {
    this.#kv.all = trouble === 'fails' ? 'throws' : trouble === 'hangs' ? 'hangs' : undefined;
    if (trouble === 'loses') this.#kv.trouble.put = 'refuses';
    this.#room.trouble =
      trouble === 'fails' ? 'is away' : trouble === 'hangs' ? 'hangs' : trouble && 'loses its answer';
    if (trouble === undefined) this.#room.letGo();
  }

  async pass(ms: number): Promise<void> {
    await this.runtime.advance(ms);
    await this.#platform.idle();
  }

  /** Whatever it waits for, the clock goes on. */
  async ask(isolate: number, path: string, body?: unknown): Promise<Response> {
    const fetch = this.#isolates[isolate] as Fetch;
    let answer: Response | undefined;
    const asked = Promise.resolve(body === undefined ? fetch(path) : post(fetch, path, body));
    const answered = asked.then((response) => {
      answer = response;
    });
    for (;;) {
      // Reading a body takes a turn of the real world.
      await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 1))]);
      await this.#platform.idle();
      if (answer !== undefined) return answer;
      await this.runtime.advance(100);
    }
  }

  #start(luck: number): Fetch {
    const { now, sleep } = this.runtime;
    const own = {
      PRESENCE_HUB: this.#hub,
      PRESENCE_KV: this.#kv.store,
      PRESENCE_ROOM: { getByName: () => this.#room },
    };
    return fetchOf(own, { now, sleep, random: () => luck });
  }
}

type Command = fc.AsyncCommand<Paper, Service>;

/** What one isolate says, held against the paper. */
async function look(
  paper: Paper,
  service: Service,
  hub: HubName,
  isolate: number,
  response: Response,
): Promise<PresenceState> {
  expect(response.status).toBe(200);
  const state = PresenceState.strict().parse(await response.json());
  const now = service.runtime.now();
  expect(state.timestamp).toBe(now);
  expect(state.count).toBe(totalOf(state.moods));
  const surelyHere = { ...ZERO_COUNTS } as Record<Mood, number>;
  let perhapsHere = 0;
  for (const [id, deed] of paper.deeds) {
    const isOurs = deed.isolate === isolate && deed.at >= (paper.startedAt[isolate] ?? 0);
    if (deed.mood !== null && isOurs && now < deed.at + TTL) surelyHere[deed.mood] += 1;
    const beat = paper.lastBeats.get(id);
    const leftHere =
      deed.mood === null && isOurs && beat?.isolate === isolate && beat.at >= (paper.startedAt[isolate] ?? 0);
    const endedHere = deed.mood !== null && isOurs && now >= deed.at + TTL;
    if (beat !== undefined && !leftHere && !endedHere && now < beat.at + GHOST_MAX[hub]) perhapsHere += 1;
  }
  for (const mood of MOODS) expect(state.moods[mood]).toBeGreaterThanOrEqual(surelyHere[mood]);
  expect(state.count).toBeLessThanOrEqual(perhapsHere);
  return state;
}

const command = (name: string, run: Command['run']): Command => ({
  check: () => true,
  run,
  toString: () => name,
});

function beat(hub: HubName, person: number, isolate: number, mood: Mood): Command {
  return command(`beat(${person}, at ${isolate}, ${mood})`, async (paper, service) => {
    await service.pass(1);
    const id = sessionId(person);
    const deed = { at: service.runtime.now(), isolate, mood };
    paper.deeds.set(id, deed);
    paper.lastBeats.set(id, deed);
    const response = await service.ask(isolate, '/api/heartbeat', { sessionId: id, mood });
    const state = await look(paper, service, hub, isolate, response);
    expect(state.moods[mood]).toBeGreaterThanOrEqual(1);
  });
}

function leave(person: number, isolate: number): Command {
  return command(`leave(${person}, at ${isolate})`, async (paper, service) => {
    await service.pass(1);
    paper.deeds.set(sessionId(person), { at: service.runtime.now(), isolate, mood: null });
    const response = await service.ask(isolate, '/api/leave', { sessionId: sessionId(person) });
    expect(await response.json()).toEqual({ success: true });
  });
}

const commandsFor = (hub: HubName, isolates: number) => {
  const person = fc.nat(4);
  const isolate = fc.nat(isolates - 1);
  return fc.commands(
    [
      fc
        .tuple(person, isolate, fc.constantFrom(...MOODS))
        .map(([who, where, mood]) => beat(hub, who, where, mood)),
      fc.tuple(person, isolate).map(([who, where]) => leave(who, where)),
      isolate.map((where) =>
        command(`look(at ${where})`, async (paper, service) => {
          await look(paper, service, hub, where, await service.ask(where, '/api/presence'));
        }),
      ),
      fc
        .tuple(isolate, fc.constantFrom({}, 'nonsense', { sessionId: sessionId(0), mood: 'greed' }))
        .map(([where, body]) =>
          command(`nonsense(at ${where}, ${JSON.stringify(body)})`, async (_paper, service) => {
            expect((await service.ask(where, '/api/heartbeat', body)).status).toBe(400);
          }),
        ),
      fc
        .oneof(fc.nat(2_000), fc.nat(40_000), fc.constantFrom(TTL - 1, TTL))
        .map((ms) => command(`pass(${ms} ms)`, (_paper, service) => service.pass(ms))),
      fc.constantFrom('fails', 'hangs', 'loses', undefined).map((trouble) =>
        command(`trouble(${trouble ?? 'none'})`, async (_paper, service) => {
          service.trouble = trouble;
          await service.pass(0);
        }),
      ),
      isolate.map((where) =>
        command(`restart(${where})`, async (paper, service) => {
          await service.pass(1);
          service.restart(where);
          paper.startedAt[where] = service.runtime.now();
        }),
      ),
      ...(hub === 'kv'
        ? []
        : [fc.constant(command('the room loses its memory', async (_paper, service) => service.loseRoom()))]),
    ],
    { size: 'max', maxCommands: 60 },
  );
};

/** All is well again, whoever is here stays, and everybody else's time passes: then all isolates say what the paper says. */
async function agree(paper: Paper, service: Service, hub: HubName): Promise<void> {
  service.trouble = undefined;
  const stayers = [...paper.deeds].filter(
    ([, { mood, at }]) => mood !== null && service.runtime.now() < at + TTL,
  );
  const moods = { ...ZERO_COUNTS } as Record<Mood, number>;
  for (const [, { mood }] of stayers) if (mood !== null) moods[mood] += 1;
  const rounds = Math.ceil((GHOST_MAX[hub] + 60_000) / 10_000);
  for (let round = 0; round < rounds; round += 1) {
    for (const [id, { isolate, mood }] of stayers)
      await service.ask(isolate, '/api/heartbeat', { sessionId: id, mood });
    for (let isolate = 0; isolate < service.size; isolate += 1) await service.ask(isolate, '/api/presence');
    await service.pass(round === rounds - 1 ? 2_000 : 10_000);
  }
  for (let isolate = 0; isolate < service.size; isolate += 1) {
    expect(await (await service.ask(isolate, '/api/presence')).json()).toMatchObject({ moods });
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

it.each(HUBS)(
  'heartbeats, leaves, time, trouble and restarts in any order, with the hub %s, agree with a list on paper',
  async (hub) => {
    const property = fc.asyncProperty(
      fc
        .integer({ min: 1, max: 3 })
        .chain((isolates) => fc.tuple(fc.constant(isolates), commandsFor(hub, isolates))),
      async ([isolates, commands]) => {
        await emptyStorage();
        vi.spyOn(console, 'warn').mockImplementation(() => undefined);
        const service = new Service(hub, isolates);
        const paper: Paper = { deeds: new Map(), lastBeats: new Map(), startedAt: [] };
        await fc.asyncModelRun(() => ({ model: paper, real: service }), commands);
        await agree(paper, service, hub);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  },
  120_000,
);
