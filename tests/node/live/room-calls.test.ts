import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

it('5,000 sessions that start within 5 s at three isolates cause at most 30 calls to the room', async () => {
  const service = new Service(3);
  onTestFinished(() => service.dispose());
  await Promise.all([0, 1, 2].map((isolate) => service.presence(isolate)));
  const before = await service.syncs();
  const start = Date.now();
  for (let tick = 0; tick < 50; tick += 1) {
    const heartbeats = Array.from({ length: 100 }, (_, n) =>
      service.heartbeat(sessionId(100 * tick + n), n % 3),
    );
    await Promise.all(heartbeats);
    await wait(Math.max(start + (tick + 1) * 100 - Date.now(), 0));
  }
  // A slow machine takes longer than 5 s, and its isolates sync for that time.
  const tookSeconds = (Date.now() - start) / 1_000;
  expect((await service.syncs()) - before).toBeLessThanOrEqual(6 * Math.max(tookSeconds, 5));
  for (const isolate of [0, 1, 2])
    await expect.poll(async () => (await service.presence(isolate)).count, { timeout: 10_000 }).toBe(5_000);
}, 60_000);
