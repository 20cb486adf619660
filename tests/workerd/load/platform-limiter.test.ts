import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { emptyStorage } from '../../support/empty-storage';
import { post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from '../api/problem-of';

it('the limiter of the platform refuses only new sessions of a network beyond 1,000 in a minute', async () => {
  await emptyStorage();
  const fetch = fetchOf(env);
  const heartbeat = (n: number, network: number) =>
    post(
      fetch,
      '/api/heartbeat',
      { sessionId: sessionId(n), mood: 'presence' },
      { 'CF-Connecting-IP': `192.0.2.${network}` },
    );
  await heartbeat(1, 200);
  // The limiter counts by the minute of the clock. If a minute ends meanwhile, the test repeats with another network.
  const minute = () => Math.floor(Date.now() / 60_000);
  let network = 0;
  let started: number;
  let answers: readonly Response[];
  do {
    started = minute();
    network += 1;
    answers = await Promise.all(
      Array.from({ length: 1_010 }, (_, n) => heartbeat(10_000 * network + n, network)),
    );
  } while (minute() !== started);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused).toHaveLength(10);
  for (const answer of refused) await problemOf(answer, 'too-many-new-sessions');
  expect((await heartbeat(1, network)).status).toBe(200);
  expect((await heartbeat(2, 201)).status).toBe(200);
}, 20_000);
