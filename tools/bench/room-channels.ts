import { DEFAULT_MOOD, MOODS, type Mood } from '../../src/moods';
import { ChannelRules } from '../../src/presence/channel-rules';
import { Room } from '../../src/presence/room/room';
import { answerToWire, reportFromWire, reportToWire } from '../../src/presence/room/room-protocol';
import type { SocketPort } from '../../src/presence/room/socket-port';
import type { SessionRecord } from '../../src/presence/session';
import { sessionKey } from '../../src/presence/session-key';
import { NO_HISTORY } from '../../tests/support/no-history';
import { NO_JOURNAL } from '../../tests/support/no-journal';
import { sessionId } from '../../tests/support/session-id';
import { median } from './median';

/** No session expires during the measurement. */
const TTL_MS = 3_600_000;
const CHANGES = 100;
const ROUNDS = 300;

const mood = (n: number): Mood => MOODS[n % MOODS.length] ?? DEFAULT_MOOD;

/** Counts its broadcasts. */
class CountingSocket implements SocketPort {
  attachment: unknown = null;
  readonly lastPingAt = undefined;
  received = 0;

  send(): void {
    this.received += 1;
  }

  remember(attachment: unknown): void {
    this.attachment = attachment;
  }

  close(): void {}
}

interface RoomWithChannels {
  readonly channels: number;
  /** Time of a call with 100 changes (µs). */
  readonly callMicroseconds: number;
  /** Time of a call with 100 changes and of the broadcast that follows (µs). */
  readonly broadcastMicroseconds: number;
  readonly messagesPerBroadcast: number;
  readonly bytesPerSession: number;
}

/** Measures a room in Node with `people` spread over `channels`. With one channel all are in the default channel. */
export async function roomWithChannels(
  people: number,
  channels: number,
  sockets: number,
): Promise<RoomWithChannels> {
  const channelOf = (n: number) => (channels === 1 ? '' : `post-${n % channels}`);
  const keys = Array.from({ length: people }, (_, n) => sessionKey(channelOf(n), sessionId(n)));
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const measured = new MeasuredRoom(keys, channels);
  measured.call(people);
  globalThis.gc?.();
  const bytesPerSession = Math.round((process.memoryUsage().heapUsed - before) / people);

  const calls = await microsecondsOf(() => measured.call(CHANGES));
  const openSockets = Array.from({ length: sockets }, () => new CountingSocket());
  for (const [n, socket] of openSockets.entries()) measured.room.open(socket, channelOf(n));
  const received = () => openSockets.reduce((sum, socket) => sum + socket.received, 0);
  const receivedBefore = received();
  const broadcasts = await microsecondsOf(async () => {
    measured.call(CHANGES);
    await measured.broadcast();
  });
  return {
    channels,
    callMicroseconds: Math.round(median(calls)),
    broadcastMicroseconds: Math.round(median(broadcasts)),
    messagesPerBroadcast: Math.round((received() - receivedBefore) / ROUNDS),
    bytesPerSession,
  };
}

/** Runs the work in each round, and returns the times (µs). */
async function microsecondsOf(work: () => void | Promise<void>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) * 1_000);
  }
  return times;
}

/** A room, and a replica that calls it. Its clock moves only at a call and at a broadcast. */
class MeasuredRoom {
  readonly room: Room;
  readonly #keys: readonly string[];
  readonly #timers: (() => void)[] = [];
  #now = Date.UTC(2026, 0, 1);
  #calls = 0;
  #since: ReturnType<Room['sync']>['version'] | undefined;

  constructor(keys: readonly string[], channelsMax: number) {
    this.#keys = keys;
    const sleep = () =>
      new Promise<void>((resolve) => {
        this.#timers.push(resolve);
      });
    this.room = new Room({
      ttlMs: TTL_MS,
      runtime: { now: () => this.#now, sleep },
      epoch: 'bench',
      journal: NO_JOURNAL,
      historyStore: NO_HISTORY,
      sockets: [],
      channels: new ChannelRules([], [''], channelsMax),
      report: () => undefined,
    });
  }

  /** Sends this number of changes. */
  call(changes: number): void {
    this.#now += 10;
    const report = { since: this.#since, updates: this.#updates(changes), wantsChannels: true };
    this.#since = answerToWire(this.room.sync(reportFromWire(reportToWire(report)))).version;
    this.#calls += 1;
  }

  /** Ends the wait of a second for the broadcast of the last changes. */
  async broadcast(): Promise<void> {
    this.#now += 1_000;
    for (const resolve of this.#timers.splice(0)) resolve();
    await Promise.resolve();
    await Promise.resolve();
  }

  /** Each call changes sessions of other channels, and each session changes to a mood that it does not have. */
  #updates(count: number): ReadonlyMap<string, SessionRecord> {
    const people = this.#keys.length;
    const from = this.#calls * CHANGES;
    const record = { mood: mood(this.#calls + Math.floor(from / people)), lastSeen: this.#now };
    return new Map(
      Array.from({ length: count }, (_, k) => [this.#keys[(from + k) % people] ?? '', { ...record }]),
    );
  }
}
