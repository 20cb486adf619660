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

export interface RoomWithChannels {
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
  let now = Date.UTC(2026, 0, 1);
  const channelOf = (n: number) => (channels === 1 ? '' : `post-${n % channels}`);
  const keys = Array.from({ length: people }, (_, n) => sessionKey(channelOf(n), sessionId(n)));
  /** Returns `count` changes. In each round they are in other channels, and each session changes to a mood that it does not have. */
  const updates = (round: number, count: number) =>
    new Map<string, SessionRecord>(
      Array.from({ length: count }, (_, k) => {
        const from = round * CHANGES;
        return [
          keys[(from + k) % people] ?? '',
          { mood: mood(round + Math.floor(from / people)), lastSeen: now },
        ];
      }),
    );
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const timers: (() => void)[] = [];
  const sleep = () =>
    new Promise<void>((resolve) => {
      timers.push(resolve);
    });
  const room = new Room({
    ttlMs: TTL_MS,
    runtime: { now: () => now, sleep },
    epoch: 'bench',
    journal: NO_JOURNAL,
    historyStore: NO_HISTORY,
    sockets: [],
    channels: new ChannelRules([], [''], channels),
    report: () => undefined,
  });
  const call = (since: ReturnType<Room['sync']>['version'] | undefined, round: number, count: number) =>
    answerToWire(
      room.sync(reportFromWire(reportToWire({ since, updates: updates(round, count), wantsChannels: true }))),
    ).version;
  let since = call(undefined, 0, people);
  globalThis.gc?.();
  const bytesPerSession = Math.round((process.memoryUsage().heapUsed - before) / people);

  const calls: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    now += 10;
    const start = performance.now();
    since = call(since, round + 1, CHANGES);
    calls.push((performance.now() - start) * 1_000);
  }

  const openSockets = Array.from({ length: sockets }, () => new CountingSocket());
  for (const [n, socket] of openSockets.entries()) room.open(socket, channelOf(n));
  const received = () => openSockets.reduce((sum, socket) => sum + socket.received, 0);
  const broadcasts: number[] = [];
  const receivedBefore = received();
  for (let round = 0; round < ROUNDS; round += 1) {
    now += 10;
    const start = performance.now();
    since = call(since, round + ROUNDS + 1, CHANGES);
    now += 1_000;
    for (const resolve of timers.splice(0)) resolve();
    await Promise.resolve();
    await Promise.resolve();
    broadcasts.push((performance.now() - start) * 1_000);
  }
  return {
    channels,
    callMicroseconds: Math.round(median(calls)),
    broadcastMicroseconds: Math.round(median(broadcasts)),
    messagesPerBroadcast: Math.round((received() - receivedBefore) / ROUNDS),
    bytesPerSession,
  };
}
