import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { untilMinuteLasts } from '../../support/limiter';
import { LiveClient } from '../../support/live-client';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

const LIMIT = 2;
const ATTEMPTS = 4;
/** An isolate and the room exchange their changes within this time: a sync interval and its jitter. */
const SYNCED_MS = 1_400;
const ATTACKER = { 'CF-Connecting-IP': '192.0.2.1' };

/** Starts a service whose limiter lets LIMIT new sessions of one network pass in a minute. */
async function limitedService({ onTestFinished }: TestContext): Promise<Service> {
  const service = new Service(1, { SESSION_TTL_SECONDS: '600' }, undefined, LIMIT);
  onTestFinished(() => service.dispose());
  // An isolate sends no session to the limiter before its first sync.
  await service.presence();
  await untilMinuteLasts(20_000);
  return service;
}

async function heartbeat(service: Service, n: number): Promise<number> {
  const response = await service.fetch()('/api/heartbeat', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...ATTACKER },
    body: JSON.stringify({ sessionId: sessionId(n), mood: 'presence' }),
  });
  await response.body?.cancel();
  return response.status;
}

it.concurrent('a socket that changes its id starts one session, although a heartbeat follows for each id', {
  timeout: 70_000,
}, async (context) => {
  const service = await limitedService(context);
  const socket = await LiveClient.open(await service.liveUrl(), ATTACKER);
  const statuses: number[] = [];
  for (let n = 1; n <= ATTEMPTS; n += 1) {
    socket.send({ sessionId: sessionId(n), mood: 'release' });
    await wait(SYNCED_MS);
    await service.presence();
    statuses.push(await heartbeat(service, n));
    // Otherwise the next message overtakes the heartbeat, and ends the session.
    await wait(SYNCED_MS);
  }
  socket.close();
  await socket.closed;
  await wait(2 * SYNCED_MS);
  // The limiter let the socket pass, and one new session by HTTP.
  expect((await service.presence()).count).toBeLessThanOrEqual(LIMIT);
  expect(statuses.filter((status) => status === 200)).toHaveLength(LIMIT);
});

it.concurrent('sockets and heartbeats of one network start together as many sessions as the limiter lets pass', {
  timeout: 70_000,
}, async (context) => {
  const service = await limitedService(context);
  const url = await service.liveUrl();
  let opened = 0;
  for (let n = 1; n <= 5; n += 1) {
    const socket = await LiveClient.open(url, ATTACKER).catch(() => undefined);
    if (socket === undefined) continue;
    opened += 1;
    socket.send({ sessionId: sessionId(n), mood: 'release' });
    await wait(SYNCED_MS);
    await service.presence();
    // The heartbeat by HTTP keeps the session after its socket has closed.
    expect(await heartbeat(service, n)).toBe(200);
    await wait(SYNCED_MS);
    socket.close();
    await socket.closed;
  }
  expect(opened).toBe(LIMIT);
  expect(await heartbeat(service, 100)).toBe(429);
  await wait(2 * SYNCED_MS);
  expect((await service.presence()).count).toBe(LIMIT);
});
