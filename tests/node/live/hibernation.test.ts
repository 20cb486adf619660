import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { LiveClient } from '../../support/live-client';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

it('a room whose live sockets only ping hibernates by itself, and keeps the sockets and their sessions', async () => {
  const service = new Service(1);
  onTestFinished(() => service.dispose());
  const client = await LiveClient.open(await service.liveUrl());
  client.send({ sessionId: sessionId(1), mood: 'release' });
  await client.shows(1);
  expect((await service.presence()).count).toBe(1);
  expect(await service.syncs()).toBeGreaterThan(0);

  // The room saves within 5 s, and hibernates after 10 s without an event.
  for (let second = 0; second < 18; second += 3) {
    client.send('ping');
    await wait(3_000);
  }

  // The room keeps its number of calls in memory only.
  expect(await service.syncs()).toBe(0);
  expect((await service.presence()).count).toBe(1);
  client.send({ mood: 'gratitude' });
  await client.stateWhere(({ moods }) => moods['gratitude'] === 1);
  expect(client.states.map(({ count }) => count)).toEqual([0, 1, 1]);
  client.close();
}, 40_000);
