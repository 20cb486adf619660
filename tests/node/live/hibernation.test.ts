import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { LiveClient } from '../../support/live-client';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

it('a room in which live sockets only ping goes to sleep by itself, and finds them all when it wakes up', async () => {
  const service = new Service(1);
  onTestFinished(() => service.dispose());
  const guest = await LiveClient.open(await service.liveUrl());
  guest.send({ sessionId: sessionId(1), mood: 'release' });
  await guest.shows(1);
  expect((await service.presence()).count).toBe(1);
  expect(await service.syncs()).toBeGreaterThan(0);

  // It saves what came within five seconds, and sleeps when it has had nothing to do for ten.
  for (let second = 0; second < 18; second += 3) {
    guest.send('ping');
    await wait(3_000);
  }

  // The count of calls is nowhere but in its memory.
  expect(await service.syncs()).toBe(0);
  expect((await service.presence()).count).toBe(1);
  guest.send({ mood: 'gratitude' });
  await guest.told(({ moods }) => moods['gratitude'] === 1);
  expect(guest.states.map(({ count }) => count)).toEqual([0, 1, 1]);
  guest.close();
}, 40_000);
