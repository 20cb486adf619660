import type { Broadcasts } from '../../src/presence/room/live-sockets';
import { Room } from '../../src/presence/room/room';
import {
  answerToWire,
  type RoomStub,
  reportFromWire,
  type WireAnswer,
  type WireReport,
} from '../../src/presence/room/room-protocol';
import type { HistoryStore, Journal } from '../../src/presence/room/room-saver';
import { type SessionRecords, totalOf } from '../../src/presence/session';
import { MemoryHistory } from '../../tests/support/memory-history';
import { DEFAULT_CHANNEL, rulesOf } from './channels';
import type { Dice } from './dice';
import { Reachability } from './reachability';
import type { RequestContexts } from './request-contexts';
import type { Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

/** The range of the time that a call or its answer takes (ms). docs/accuracy.md names the assumption. */
export const ONE_WAY_MS = [5, 120] as const;

/** The storage of the object. A restart does not change it. */
interface Disk {
  readonly rows: { readonly savedAt: number; readonly sessions: SessionRecords }[];
  /** The row with the counts of the named channels. */
  channels: string;
  readonly history: MemoryHistory;
}

/** Called with each call that reached the room. */
type OnCall = (report: WireReport, answer: WireAnswer, room: Room) => void;

/** The Durable Object: the production `Room` with a disk and a network. With the chance `restart` a call finds it restarted. */
export class SimulatedRoom {
  /** Calls that reached the room, and rows that it wrote. */
  readonly usage = { calls: 0, rows: 0 };
  readonly reach: Reachability;
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #contexts: RequestContexts;
  readonly #rules: Scenario;
  readonly #onCall: OnCall;
  readonly #disk: Disk = { rows: [], channels: '[]', history: new MemoryHistory() };
  #room: Room | undefined;
  #epoch = 0;
  #areFaultsOn = true;

  constructor(
    time: VirtualTime,
    dice: Dice,
    contexts: RequestContexts,
    rules: Scenario,
    onCall: OnCall = () => undefined,
  ) {
    this.#onCall = onCall;
    this.#time = time;
    this.#dice = dice;
    this.#contexts = contexts;
    this.#rules = rules;
    this.reach = new Reachability(rules.locations);
  }

  heal(): void {
    this.#areFaultsOn = false;
    this.reach.heal();
  }

  /** The room for the isolates of a location. */
  at(location: number): Pick<RoomStub, 'sync'> {
    return { sync: (report) => this.#contexts.call(this.#call(report, location)) };
  }

  /** A call may fail before it reaches the room or after that, or never settle. */
  async #call(report: WireReport, location: number): Promise<WireAnswer> {
    const { fail, hang, restart, slowMs } = this.#rules;
    const [there, back] = [this.#dice.between(...ONE_WAY_MS), this.#dice.between(...ONE_WAY_MS)];
    const fails = this.#dice.chance(fail);
    const isLost = this.#dice.chance(0.5);
    const hangs = this.#dice.chance(hang);
    const restarts = this.#dice.chance(restart);
    // A copy, otherwise a later heartbeat of the replica changes a report that is on its way.
    const { known, heard, channels } = report;
    const sent = { known, heard: new Map(heard), ...(channels && { channels: new Map(channels) }) };
    await this.#time.sleep(there + slowMs / 2);
    if (!this.reach.isReached(location, this.#time.now)) throw new Error('The room is unreachable.');
    if (fails && this.#areFaultsOn && !isLost) throw new Error('Network connection lost.');
    if (restarts && this.#areFaultsOn) this.#room = undefined;
    this.usage.calls += 1;
    this.#room ??= this.#start();
    const answer = answerToWire(this.#room.sync(reportFromWire(sent)));
    this.#onCall(sent, answer, this.#room);
    if (hangs && this.#areFaultsOn) await new Promise(() => undefined);
    await this.#time.sleep(back + slowMs / 2);
    if (fails && this.#areFaultsOn) throw new Error('Network connection lost.');
    return answer;
  }

  #start(): Room {
    this.#epoch += 1;
    const epoch = this.#epoch;
    const ttlMs = this.#rules.ttlSeconds * 1000;
    const { rows, history } = this.#disk;
    const last = rows.at(-1);
    const journal: Journal = {
      read: () => ({
        sessions: rows.map(({ sessions }) => sessions),
        savedAt: last?.savedAt,
        lastBroadcasts: new Map(),
      }),
      append: (sessions, lastBroadcasts) => {
        // A timer from before a restart must not write.
        if (this.#epoch !== epoch) return;
        this.#saveChannels(lastBroadcasts);
        const savedAt = this.#time.now;
        while (rows[0] !== undefined && rows[0].savedAt <= savedAt - ttlMs) {
          rows.shift();
          this.usage.rows += 1;
        }
        rows.push({ savedAt, sessions: structuredClone(sessions) });
        this.usage.rows += 1;
      },
    };
    const historyStore: HistoryStore = {
      read: () => history.read(),
      write: (steps) => {
        if (this.#epoch !== epoch) return;
        const before = history.written;
        history.write(steps);
        this.usage.rows += history.written - before;
      },
    };
    const runtime = { now: () => this.#time.now, sleep: this.#time.sleep };
    return new Room({
      ttlMs,
      runtime,
      epoch: String(epoch),
      journal,
      historyStore,
      sockets: [],
      channels: rulesOf(this.#rules),
      report: () => undefined,
    });
  }

  /** Writes one row if it changed, as the journal of the object does. No simulated socket reads it. */
  #saveChannels(lastBroadcasts: Broadcasts): void {
    const named = [...lastBroadcasts].filter(
      ([channel, counts]) => channel !== DEFAULT_CHANNEL && totalOf(counts) > 0,
    );
    const channels = JSON.stringify(named);
    if (channels === this.#disk.channels) return;
    this.#disk.channels = channels;
    this.usage.rows += 1;
  }
}
