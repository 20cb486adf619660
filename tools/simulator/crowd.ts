import { MOODS } from '../../src/moods';
import type { Mood } from '../../src/presence/session';
import { channelNames, DEFAULT_CHANNEL } from './channels';
import type { Dice } from './dice';
import type { Phases } from './phases';
import type { Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

export type Request =
  | { readonly kind: 'heartbeat'; readonly channel: string; readonly id: string; readonly mood: Mood }
  | { readonly kind: 'leave'; readonly channel: string; readonly id: string }
  | { readonly kind: 'presence'; readonly channel: string }
  | { readonly kind: 'channels'; readonly names: readonly string[] };

/** The location that receives the requests of a tab, and the isolate that served the last one. */
export interface Sender {
  location: number;
  isolate: number | undefined;
}

interface Person {
  readonly id: string;
  mood: Mood;
  location: number;
}

export type Send = (sender: Sender, request: Request) => void;

/** A crowd that gathers starts 60 s after the start of the run. */
export const GATHERING_STARTS_MS = 60_000;

/** One request of a watcher has at most this number of channels. */
const WATCHED_CHANNELS = 3;

/** People start, send heartbeats, change their mood, move and leave. Watchers only read. */
export class Crowd {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #scenario: Scenario;
  readonly #phases: Phases;
  readonly #send: Send;
  /** By Zipf's law: the second location has half the people of the first, the third has a third. */
  readonly #weights: readonly number[];
  /** The default channel and the named ones, each with its share of the people. */
  readonly #channels: readonly string[];
  readonly #channelWeights: readonly number[];

  constructor(time: VirtualTime, dice: Dice, scenario: Scenario, phases: Phases, send: Send) {
    this.#time = time;
    this.#dice = dice;
    this.#scenario = scenario;
    this.#phases = phases;
    this.#send = send;
    this.#weights = Array.from({ length: scenario.locations }, (_, index) => 1 / (index + 1));
    this.#channels = [DEFAULT_CHANNEL, ...channelNames(scenario)];
    this.#channelWeights = this.#channels.map((_, index) =>
      scenario.channelSpread === 'zipf' ? 1 / (index + 1) : Math.min(index, 1),
    );
  }

  gather(): void {
    const { people, watchers, beatSeconds, gatherSeconds, stayMinutes, locations } = this.#scenario;
    for (let watcher = 0; watcher < watchers; watcher += 1) {
      // With enough watchers each location has one.
      this.#plan(this.#dice.between(0, beatSeconds * 1000), (dice) => this.#watch(dice, watcher % locations));
    }
    for (let person = 0; person < people; person += 1) {
      const within = gatherSeconds === 0 ? beatSeconds * 1000 : gatherSeconds * 1000;
      const from = gatherSeconds === 0 ? 0 : GATHERING_STARTS_MS;
      this.#plan(from + this.#dice.between(0, within), (dice) => this.#visit(dice));
    }
    if (people === 0 || stayMinutes === 0) return;
    const everyMs = (stayMinutes * 60_000) / people;
    const { start, busyUntil } = this.#phases;
    for (
      let at = this.#dice.exponential(everyMs);
      start + at < busyUntil;
      at += this.#dice.exponential(everyMs)
    ) {
      if (gatherSeconds === 0 || at > GATHERING_STARTS_MS + gatherSeconds * 1000)
        this.#plan(at, (dice) => this.#visit(dice));
    }
  }

  /** Gives each visitor dice of its own, otherwise a slow answer to one changes the others. */
  #plan(ms: number, visit: (dice: Dice) => Promise<void>): void {
    const dice = this.#dice.fork();
    this.#time.at(this.#phases.start + ms, () => void visit(dice));
  }

  async #watch(dice: Dice, location: number): Promise<void> {
    const sender: Sender = { location, isolate: undefined };
    const request = this.#drawWatched(dice);
    while (this.#time.now < this.#phases.goneUntil) {
      this.#send(sender, request);
      await this.#time.sleep(this.#gap(dice));
    }
  }

  async #visit(dice: Dice): Promise<void> {
    const person: Person = {
      id: dice.uuid(),
      mood: dice.pick(MOODS),
      location: dice.weighted(this.#weights),
    };
    const hasSecondTab = dice.chance(this.#scenario.tabs);
    const second = dice.fork();
    const tabs = [this.#tab(dice, person)];
    if (hasSecondTab) tabs.push(this.#tab(second, person));
    await Promise.all(tabs);
  }

  /** Draws the request that a watcher repeats: for one channel, or for several at once. */
  #drawWatched(dice: Dice): Request {
    const channel = this.#drawChannel(dice);
    if (channel === DEFAULT_CHANNEL || dice.chance(0.5)) return { kind: 'presence', channel };
    const first = this.#channels.indexOf(channel);
    return { kind: 'channels', names: this.#channels.slice(first, first + WATCHED_CHANNELS) };
  }

  /** Throws no dice in a world without named channels, otherwise each such world changes. */
  #drawChannel(dice: Dice): string {
    if (this.#channels.length === 1) return DEFAULT_CHANNEL;
    return this.#channels[dice.weighted(this.#channelWeights)] ?? DEFAULT_CHANNEL;
  }

  /** A tab sends heartbeats in one channel at a time until it closes. Two tabs of a person may be in two channels. */
  async #tab(dice: Dice, person: Person): Promise<void> {
    const { stayMinutes, polite, moody, burst, move, hop, locations } = this.#scenario;
    const { busyUntil, calmUntil } = this.#phases;
    const sender: Sender = { location: person.location, isolate: undefined };
    const stayMs = stayMinutes === 0 ? Number.POSITIVE_INFINITY : dice.exponential(stayMinutes * 60_000);
    const drawnEnd = this.#time.now + stayMs;
    // A tab that is open when the calm phase starts stays until its end.
    const endsAt = drawnEnd < busyUntil ? drawnEnd : calmUntil;
    const sendsLeave = dice.chance(polite) && endsAt < busyUntil;
    let channel = this.#drawChannel(dice);
    const mayHop = hop > 0 && this.#channels.length > 1;
    for (;;) {
      if (sender.location !== person.location) sender.isolate = undefined;
      sender.location = person.location;
      this.#send(sender, { kind: 'heartbeat', channel, id: person.id, mood: person.mood });
      const gap = this.#gap(dice);
      if (this.#time.now + gap >= endsAt) break;
      await this.#time.sleep(gap);
      const changes = dice.chance(moody);
      const mood = dice.pick(MOODS);
      const moves = dice.chance(move);
      const location = Math.floor(dice.random() * locations);
      const isBurst = dice.chance(burst);
      const next = mayHop && dice.chance(hop) ? this.#drawChannel(dice) : channel;
      const leavesChannel = next !== channel && dice.chance(polite);
      if (this.#time.now >= busyUntil) continue;
      if (changes && isBurst) {
        this.#send(sender, { kind: 'heartbeat', channel, id: person.id, mood: person.mood });
        this.#send(sender, { kind: 'leave', channel, id: person.id });
      }
      if (leavesChannel) this.#send(sender, { kind: 'leave', channel, id: person.id });
      channel = next;
      if (changes) person.mood = mood;
      if (moves) person.location = location;
    }
    if (!sendsLeave) return;
    await this.#time.sleep(endsAt - this.#time.now);
    this.#send(sender, { kind: 'leave', channel, id: person.id });
  }

  #gap(dice: Dice): number {
    return this.#scenario.beatSeconds * 1000 * dice.between(0.9, 1.1);
  }
}
