import { KvHub } from '../../src/presence/kv/kv-hub';
import { type Awaitable, PresenceStore } from '../../src/presence/presence-store';
import { RoomHub } from '../../src/presence/room/room-hub';
import type { Mood, PresenceState } from '../../src/presence/session';
import type { Defer } from '../../src/presence/sync-loop';
import type { Runtime } from '../../src/runtime';
import { rulesOf } from './channels';
import type { Dice } from './dice';
import type { RequestContexts } from './request-contexts';
import { type Scenario, settingsOf } from './scenario';
import type { SimulatedKv } from './simulated-kv';
import type { SimulatedRoom } from './simulated-room';
import { KeyPerSessionStore } from './stores/key-per-session-store';
import { SharedKeyStore } from './stores/shared-key-store';
import type { VirtualTime } from './virtual-time';

/** The store that a Worker's routes call: `PresenceStore`, or a design for comparison. */
export interface Store {
  countHeartbeat(key: string, mood: Mood, defer: Defer): Awaitable<PresenceState>;
  /** Counts a heartbeat after the admission of a new session, if the store has an admission. */
  heartbeat?: PresenceStore['heartbeat'];
  leave(key: string, defer: Defer): Promise<void>;
  presence(defer: Defer, channel: string): Awaitable<PresenceState>;
  /** Returns the states of several named channels, if the store has channels. */
  channels?: PresenceStore['channels'];
}

/** All isolates of all locations. A fresh isolate replaces an evicted one, whose memory is lost. */
export class Isolates {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #kv: SimulatedKv;
  readonly #room: SimulatedRoom;
  readonly #contexts: RequestContexts;
  readonly #scenario: Scenario;
  readonly #stores = new Map<string, Store>();
  #evicts = true;

  constructor(
    time: VirtualTime,
    dice: Dice,
    kv: SimulatedKv,
    room: SimulatedRoom,
    contexts: RequestContexts,
    scenario: Scenario,
  ) {
    this.#time = time;
    this.#dice = dice;
    this.#kv = kv;
    this.#room = room;
    this.#contexts = contexts;
    this.#scenario = scenario;
  }

  heal(): void {
    this.#evicts = false;
  }

  /** Returns the isolate that serves a request. With the chance `stick` it is the last one of its sender. */
  route(last: number | undefined): number {
    const sticks = this.#dice.chance(this.#scenario.stick);
    const other = Math.floor(this.#dice.random() * this.#scenario.isolates);
    return sticks && last !== undefined ? last : other;
  }

  store(location: number, isolate: number): Store {
    const name = `${location} ${isolate}`;
    const evicted = this.#dice.chance(this.#scenario.evict) && this.#evicts;
    const running = evicted ? undefined : this.#stores.get(name);
    const store = running ?? this.#start(location);
    this.#stores.set(name, store);
    return store;
  }

  #start(location: number): Store {
    const { hub, skewMs } = this.#scenario;
    const dice = this.#dice.fork();
    const skew = Math.round(dice.between(-skewMs, skewMs));
    const sleep = (ms: number) => this.#contexts.begin(this.#time.sleep(ms));
    const runtime: Runtime = { now: () => this.#time.now + skew, sleep, random: dice.random };
    const kv = this.#kv.at(location);
    const report = () => undefined;
    switch (hub) {
      case 'kv':
      case 'durable-object': {
        const settings = settingsOf(this.#scenario);
        const room = this.#room.at(location);
        const roomHub = () =>
          new RoomHub({ room: () => room, timing: settings.timing, runtime, hasChannels: true });
        const meeting =
          settings.hub === 'kv' ? new KvHub({ kv, timing: settings.timing, runtime, report }) : roomHub();
        if (meeting instanceof KvHub) meeting.locate(`l${location}`);
        return new PresenceStore({
          hub: meeting,
          timing: settings.timing,
          sessionsMax: Infinity,
          channels: rulesOf(this.#scenario),
          runtime,
          report,
        });
      }
      case 'shared-key':
        return new SharedKeyStore(kv, this.#scenario.ttlSeconds * 1000, runtime);
      case 'key-per-session':
        return new KeyPerSessionStore(kv, this.#scenario.ttlSeconds * 1000, runtime);
    }
  }
}
