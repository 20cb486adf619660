import { parseArgs } from 'node:util';
import { LiveClient } from '../live/live-client';
import { Service } from '../live/service';
import { workerdBytes } from '../live/workerd-memory';
import { sessionId } from '../session-id';

// How many live sockets one room holds, what each costs in memory, and how long a change takes to reach them all:
// `npm run bench:sockets -- --sockets 10000`. Everything runs on this machine: one workerd, and the clients in this process.

const OPENING_AT_ONCE = 100;
const CHANGES = 7;
const WAIT_MAX_MS = 60_000;

const { values } = parseArgs({
  options: { sockets: { type: 'string', default: '10000' }, json: { type: 'boolean' } },
});
const wanted = Number(values.sockets);
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
    client.send({ sessionId: sessionId(n), mood: 'presence' });
    clients.push(client);
    if (clients.length % 1_000 === 0) console.error(`${clients.length} of ${wanted} sockets are open`);
  }
};
await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
await allShow((count) => count === wanted);
const openedSeconds = (performance.now() - startedAt) / 1_000;
// Each change is one more person by HTTP. What is measured ends when the last socket shows him.
const milliseconds: number[] = [];
for (let change = 1; change <= CHANGES; change += 1) {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const changedAt = performance.now();
  const shown = allShow((count) => count === wanted + change);
  await service.heartbeat(sessionId(wanted + change));
  await shown;
  milliseconds.push(performance.now() - changedAt);
  console.error(`change ${change} of ${CHANGES} reached all after ${milliseconds.at(-1)?.toFixed(0)} ms`);
}

const memory = workerdBytes() - memoryBefore;
clearInterval(keepAlive);
for (const client of clients) client.close();
await service.dispose();

milliseconds.sort((a, b) => a - b);
const result = {
  sockets: wanted,
  openedAndJoinedSeconds: Number(openedSeconds.toFixed(1)),
  kilobytesPerSocket: Number((memory / 1_000 / wanted).toFixed(1)),
  medianMsToAll: Math.round(milliseconds[Math.floor(CHANGES / 2)] ?? 0),
  worstMsToAll: Math.round(milliseconds.at(-1) ?? 0),
};
if (values.json) console.log(JSON.stringify(result, null, 2));
else console.table(result);

async function allShow(holds: (count: number) => boolean): Promise<void> {
  const late = setTimeout(() => {
    const done = clients.filter((client) => holds(client.states.at(-1)?.count ?? -1)).length;
    console.error(`only ${done} of ${clients.length} sockets have been told`);
    process.exit(1);
  }, WAIT_MAX_MS);
  await Promise.all(clients.map((client) => client.told(({ count }) => holds(count))));
  clearTimeout(late);
}
