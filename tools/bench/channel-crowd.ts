import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_MOOD } from '../../src/moods';
import { LiveClient } from '../../tests/support/live-client';
import { Service } from '../../tests/support/service';
import { sessionId } from '../../tests/support/session-id';
import { progress } from '../progress';
import { median } from './median';

const ISOLATES = 3;
const BEAT_MS = 10_000;
const OPENING_AT_ONCE = 50;
const NAMES_AT_ONCE = 50;
const WAIT_MAX_MS = 60_000;

interface ChannelCrowd {
  readonly channels: number;
  readonly people: number;
  /** Wrong counts 30 s after the last session started, in all channels at all isolates. */
  readonly wrongCounts: number;
  /** One more session starts in each channel. The time from the last start until a socket shows it (ms). */
  readonly medianMsToSocket: number;
  readonly worstMsToSocket: number;
}

/**
 * Measures a crowd in this number of channels of one room, on workerd. In each channel one session has a live socket, and the others
 * send heartbeats by HTTP to three isolates.
 */
export async function channelCrowd(channels: number, peoplePerChannel: number): Promise<ChannelCrowd> {
  const service = new Service(ISOLATES, { CHANNELS: '*', CHANNELS_MAX: String(channels) }, 'dist/index.js');
  const names = Array.from({ length: channels }, (_, n) => `post-${n}`);
  const beat = (n: number) => sendHeartbeat(service, names[n % channels] ?? '', n);
  // The first `channels` sessions have live sockets.
  const stopBeats = keepBeating(channels, channels * (peoplePerChannel - 1), beat);
  const clients = await openSockets(service, names);
  const pings = setInterval(() => {
    for (const client of clients) client.send('ping');
  }, BEAT_MS);

  for (let seconds = 0; seconds < 30; seconds += 1) {
    await wait(1_000);
    progress('seconds', seconds + 1, 30);
  }
  const wrongAnswers = await wrongAnswersOf(service, names, peoplePerChannel);
  const wrongSockets = clients.filter(({ states }) => states.at(-1)?.count !== peoplePerChannel).length;
  const ms = await showOneMore(clients, peoplePerChannel, beat);
  clearInterval(pings);
  await stopBeats();
  await service.dispose();
  return {
    channels,
    people: channels * peoplePerChannel,
    wrongCounts: wrongAnswers + wrongSockets,
    medianMsToSocket: Math.round(median(ms)),
    worstMsToSocket: Math.round(Math.max(...ms)),
  };
}

async function sendHeartbeat(service: Service, channel: string, n: number): Promise<void> {
  const path = `/api/channels/${channel}/heartbeat`;
  const body = JSON.stringify({ sessionId: sessionId(n), mood: DEFAULT_MOOD });
  const response = await service.fetch(n % ISOLATES)(path, { method: 'POST', body });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  await response.body?.cancel();
}

/** Starts `count` sessions from the number `from` on, spread over the first interval. Returns a function that ends their heartbeats. */
function keepBeating(
  from: number,
  count: number,
  beat: (n: number) => Promise<void>,
): () => Promise<unknown> {
  let isOver = false;
  const stay = async (n: number, delayMs: number) => {
    for (await wait(delayMs); !isOver; await wait(BEAT_MS)) await beat(n);
  };
  const crowd = Array.from({ length: count }, (_, index) => stay(from + index, (index / count) * BEAT_MS));
  return () => {
    isOver = true;
    return Promise.all(crowd);
  };
}

/** Opens a live socket in each channel, and joins it with the session of the same number. */
async function openSockets(service: Service, names: readonly string[]): Promise<readonly LiveClient[]> {
  const clients: LiveClient[] = [];
  const origin = (await service.origin()).href.replace('http', 'ws');
  let opening = 0;
  const open = async () => {
    while (opening < names.length) {
      const n = opening++;
      const client = await LiveClient.open(`${origin}api/channels/${names[n]}/live`);
      client.send({ sessionId: sessionId(n), mood: DEFAULT_MOOD });
      clients[n] = client;
      progress('sockets open', clients.length, names.length);
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
  return clients;
}

/** Returns how many counts in the answers of all isolates differ from `count`. */
async function wrongAnswersOf(service: Service, names: readonly string[], count: number): Promise<number> {
  let wrong = 0;
  for (let isolate = 0; isolate < ISOLATES; isolate += 1) {
    for (let from = 0; from < names.length; from += NAMES_AT_ONCE) {
      const asked = names.slice(from, from + NAMES_AT_ONCE);
      const response = await service.fetch(isolate)(`/api/channels?names=${asked}`);
      const answer = (await response.json()) as { channels: Record<string, { count: number }> };
      wrong += asked.filter((name) => answer.channels[name]?.count !== count).length;
    }
  }
  return wrong;
}

/** Starts one more session in each channel. Returns the times from the last start until each socket shows it (ms). */
async function showOneMore(
  clients: readonly LiveClient[],
  peoplePerChannel: number,
  beat: (n: number) => Promise<void>,
): Promise<readonly number[]> {
  const shown: number[] = [];
  const late = setTimeout(() => {
    throw new Error(`Only ${shown.length} of ${clients.length} sockets show their count.`);
  }, WAIT_MAX_MS);
  const arrivals = clients.map(async (client) => {
    await client.stateWhere(({ count }) => count === peoplePerChannel + 1);
    shown.push(performance.now());
  });
  await Promise.all(clients.map((_, n) => beat(clients.length * peoplePerChannel + n)));
  const sentAt = performance.now();
  await Promise.all(arrivals);
  clearTimeout(late);
  return shown.map((at) => Math.max(0, at - sentAt));
}
