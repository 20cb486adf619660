import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { LiveClient } from '../../tests/support/live-client';
import { Service } from '../../tests/support/service';
import { sessionId } from '../../tests/support/session-id';
import { workerdBytes } from '../../tests/support/workerd-memory';
import { progress } from '../progress';
import { median } from './median';

const OPENING_AT_ONCE = 100;
const CHANGES = 7;
const WAIT_MAX_MS = 60_000;
/** Messages of one socket in the flood. With its join they are 20, the limit within 10 s. */
const MESSAGES = 19;

export interface SocketFigures {
  readonly sockets: number;
  readonly openedAndJoinedSeconds: number;
  readonly kilobytesPerSocket: number;
  readonly medianMsToAll: number;
  readonly worstMsToAll: number;
  readonly messagesPerSecond: number;
}

/**
 * Measures the live sockets of one room: memory, the time until a change reaches all, and received messages a second. One workerd
 * runs the room, and this process the clients.
 */
export async function measureSockets(wanted: number): Promise<SocketFigures> {
  const service = new Service(1, {}, 'dist/index.js');
  const url = await service.liveUrl();
  await service.presence();
  const memoryBefore = workerdBytes();

  const startedAt = performance.now();
  const clients: LiveClient[] = [];
  const keepAlive = setInterval(() => {
    for (const client of clients) client.send('ping');
  }, 10_000);
  let opening = 0;
  const open = async () => {
    while (opening < wanted) {
      const n = opening++;
      const client = await LiveClient.open(url);
      client.send({ sessionId: sessionId(n), mood: DEFAULT_MOOD });
      clients.push(client);
      progress('sockets open', clients.length, wanted);
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
  await allShow(clients, (count) => count === wanted);
  const openedSeconds = (performance.now() - startedAt) / 1_000;
  const memory = workerdBytes() - memoryBefore;

  // Each change is one more session by HTTP. The time ends when the last socket shows it.
  const milliseconds: number[] = [];
  for (let change = 1; change <= CHANGES; change += 1) {
    await wait(3_000);
    const changedAt = performance.now();
    const shown = allShow(clients, (count) => count === wanted + change);
    await service.heartbeat(sessionId(wanted + change));
    await shown;
    milliseconds.push(performance.now() - changedAt);
    progress('changes shown by all', change, CHANGES);
  }

  const messagesPerSecond = await flood(clients);
  clearInterval(keepAlive);
  await service.dispose();
  return {
    sockets: wanted,
    openedAndJoinedSeconds: Number(openedSeconds.toFixed(1)),
    kilobytesPerSocket: Number((memory / 1_000 / wanted).toFixed(1)),
    medianMsToAll: Math.round(median(milliseconds)),
    worstMsToAll: Math.round(Math.max(...milliseconds)),
    messagesPerSecond: Math.round(messagesPerSecond),
  };
}

/**
 * Each socket changes its mood as often as the limit allows, and then sends invalid JSON. The room closes the socket for that, and
 * has received all earlier messages by then. Returns the messages that the room receives a second.
 */
async function flood(clients: readonly LiveClient[]): Promise<number> {
  const startedAt = performance.now();
  for (let message = 1; message < MESSAGES; message += 1) {
    for (const client of clients) client.send({ mood: MOODS[message % 2] });
  }
  for (const client of clients) client.send('no JSON');
  await Promise.all(clients.map(({ closed }) => closed));
  return (clients.length * MESSAGES) / ((performance.now() - startedAt) / 1_000);
}

async function allShow(clients: readonly LiveClient[], holds: (count: number) => boolean): Promise<void> {
  const late = setTimeout(() => {
    const done = clients.filter((client) => holds(client.states.at(-1)?.count ?? -1)).length;
    console.error(`Only ${done} of ${clients.length} sockets show the count.`);
    process.exit(1);
  }, WAIT_MAX_MS);
  await Promise.all(clients.map((client) => client.stateWhere(({ count }) => holds(count))));
  clearTimeout(late);
}
