import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { openApiDocument } from '../../../src/api/openapi';
import { EXAMPLES } from '../../../src/api/openapi-schemas';
import { MOODS } from '../../../src/moods';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

beforeEach(() => emptyStorage());

/** Returns a service with all sessions of the example answer, except the one of the example heartbeat. */
async function serviceOfTheExamples(): Promise<{ fetch: Fetch; runtime: FakeRuntime }> {
  const runtime = new FakeRuntime(EXAMPLES.presence.timestamp);
  const fetch = fetchOf(env, runtime);
  const moods = MOODS.flatMap((mood) => Array.from({ length: EXAMPLES.presence.moods[mood] }, () => mood));
  moods.splice(moods.indexOf(EXAMPLES.heartbeat.mood), 1);
  for (const [n, mood] of moods.entries())
    await post(fetch, '/api/heartbeat', { sessionId: sessionId(n), mood });
  return { fetch, runtime };
}

it('the service answers the example requests with the example answers', async () => {
  const { fetch, runtime } = await serviceOfTheExamples();
  const answer = async (response: Response | Promise<Response>) => (await response).json();
  expect(await answer(post(fetch, '/api/heartbeat', EXAMPLES.heartbeat))).toEqual(EXAMPLES.presence);
  expect(await answer(fetch('/api/presence'))).toEqual(EXAMPLES.presence);
  await runtime.advance(EXAMPLES.health.lastSyncAgeMs);
  expect(await answer(fetch('/health'))).toEqual(EXAMPLES.health);
  expect(await answer(post(fetch, '/api/leave', EXAMPLES.leave))).toEqual(EXAMPLES.left);
});

it.each([
  ['/api/heartbeat', { sessionId: 'anna', mood: 'release' }],
  ['/api/leave', { sessionId: 'anna' }],
])('the service answers a wrong body with the example of its problem: %s', async (path, wrong) => {
  const { fetch } = await serviceOfTheExamples();
  const response = openApiDocument().components?.responses?.['MalformedJsonOrInvalidBody'];
  const examples =
    response && 'content' in response ? response.content?.['application/problem+json']?.examples : {};
  expect(examples).toMatchObject({
    'invalid-body': { value: await (await post(fetch, path, wrong)).json() },
    'malformed-json': { value: await (await post(fetch, path, '{')).json() },
  });
});
