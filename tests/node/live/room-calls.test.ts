import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

it('10,000 heartbeats of as many people in 10 s, through three isolates, make at most 60 calls to the room', async () => {
  const service = new Service(3);
  onTestFinished(() => service.dispose());
  await Promise.all([0, 1, 2].map((isolate) => service.presence(isolate)));
  const before = await service.syncs();
  const start = Date.now();
  for (let tick = 0; tick < 100; tick += 1) {
    const beats = Array.from({ length: 100 }, (_, n) => service.heartbeat(sessionId(100 * tick + n), n % 3));
    await Promise.all(beats);
    await wait(Math.max(start + (tick + 1) * 100 - Date.now(), 0));
  }
  // A slow machine may need longer for it, and then the isolates sync longer.
  const tookSeconds = (Date.now() - start) / 1_000;
  expect((await service.syncs()) - before).toBeLessThanOrEqual(6 * Math.max(tookSeconds, 10));
  // An isolate tells within 1.25 s, and asks before it answers where what it heard is more than 1.5 s old.
  await wait(3_000);
  for (const isolate of [0, 1, 2]) expect((await service.presence(isolate)).count).toBe(10_000);
}, 60_000);
