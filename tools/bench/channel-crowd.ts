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

export interface ChannelCrowd {
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
  const channel = (n: number) => `post-${n % channels}`;
  const beat = async (n: number) => {
    const path = `/api/channels/${channel(n)}/heartbeat`;
    const body = JSON.stringify({ sessionId: sessionId(n), mood: DEFAULT_MOOD });
    const response = await service.fetch(n % ISOLATES)(path, { method: 'POST', body });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    await response.body?.cancel();
  };
  // The first `channels` sessions have live sockets.
  const people = Array.from({ length: channels * (peoplePerChannel - 1) }, (_, n) => channels + n);
  let isOver = false;
  const stay = async (n: number, delayMs: number) => {
    for (await wait(delayMs); !isOver; await wait(BEAT_MS)) await beat(n);
  };
  const crowd = people.map((n, index) => stay(n, (index / people.length) * BEAT_MS));

  const clients: LiveClient[] = [];
  const origin = (await service.origin()).href.replace('http', 'ws');
  let opening = 0;
  const open = async () => {
    while (opening < channels) {
      const n = opening++;
      const client = await LiveClient.open(`${origin}api/channels/${channel(n)}/live`);
      client.send({ sessionId: sessionId(n), mood: DEFAULT_MOOD });
      clients[n] = client;
      progress('sockets open', clients.length, channels);
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
  const keepAlive = setInterval(() => {
    for (const client of clients) client.send('ping');
  }, BEAT_MS);

  for (let seconds = 0; seconds < 30; seconds += 1) {
    await wait(1_000);
    progress('seconds', seconds + 1, 30);
  }
  let wrongCounts = 0;
  for (let isolate = 0; isolate < ISOLATES; isolate += 1) {
    for (let from = 0; from < channels; from += NAMES_AT_ONCE) {
      const names = Array.from({ length: Math.min(NAMES_AT_ONCE, channels - from) }, (_, k) =>
        channel(from + k),
      );
      const response = await service.fetch(isolate)(`/api/channels?names=${names}`);
      const answer = (await response.json()) as { channels: Record<string, { count: number }> };
      for (const name of names) if (answer.channels[name]?.count !== peoplePerChannel) wrongCounts += 1;
    }
  }
  wrongCounts += clients.filter(({ states }) => states.at(-1)?.count !== peoplePerChannel).length;

  const more = Array.from({ length: channels }, (_, n) => channels * peoplePerChannel + n);
  const shown: number[] = [];
  const late = setTimeout(() => {
    throw new Error(`Only ${shown.length} of ${channels} sockets show their count.`);
  }, WAIT_MAX_MS);
  const arrivals = clients.map(async (client) => {
    await client.stateWhere(({ count }) => count === peoplePerChannel + 1);
    shown.push(performance.now());
  });
  await Promise.all(more.map(beat));
  const sentAt = performance.now();
  await Promise.all(arrivals);
  clearTimeout(late);
  isOver = true;
  clearInterval(keepAlive);
  await Promise.all(crowd);
  const ms = shown.map((at) => Math.max(0, at - sentAt));
  await service.dispose();
  return {
    channels,
    people: channels * peoplePerChannel,
    wrongCounts,
    medianMsToSocket: Math.round(median(ms)),
    worstMsToSocket: Math.round(Math.max(...ms)),
  };
}
