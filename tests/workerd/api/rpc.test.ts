import { env } from 'cloudflare:workers';
import { hc } from 'hono/client';
import { beforeEach, expect, expectTypeOf, it } from 'vitest';
import type { ProblemOf } from '../../../src/api/problems';
import type { AppType } from '../../../src/app';
import type { History } from '../../../src/presence/history';
import type { PresenceState } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { createApp } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

const ANNA = sessionId(1);

beforeEach(() => emptyStorage());

const ROOM = { PRESENCE_HUB: 'durable-object' };

function typedClient(variables: object = {}) {
  const app = createApp(new FakeRuntime());
  const fetch: typeof app.request = (input, init) => app.request(input, init, { ...env, ...variables });
  return hc<AppType>('http://localhost', { fetch });
}

it('a typed client sends what the routes accept, and reads what they answer', async () => {
  const { heartbeat, leave, presence } = typedClient().api;
  const answer = await heartbeat.$post({ json: { sessionId: ANNA, mood: 'release' } });
  if (answer.status !== 200) throw new Error(`Answered ${answer.status}.`);
  const state = await answer.json();
  expectTypeOf(state).toExtend<PresenceState>();
  expect(state).toMatchObject({ count: 1, moods: { release: 1 } });

  const left = await leave.$post({ json: { sessionId: ANNA } });
  if (left.status !== 200) throw new Error(`Answered ${left.status}.`);
  expectTypeOf(await left.json()).toEqualTypeOf<{ success: true }>();

  const watched = await presence.$get();
  if (watched.status !== 200) throw new Error(`Answered ${watched.status}.`);
  expect((await watched.json()).count).toBe(0);
});

it('a typed client reads the history and the badge', async () => {
  const { history, badge } = typedClient(ROOM).api;
  const day = await history.$get();
  expectTypeOf(day.status).toEqualTypeOf<200 | 403 | 404 | 500 | 503>();
  if (day.status !== 200) throw new Error(`Answered ${day.status}.`);
  const answer = await day.json();
  expectTypeOf(answer).toEqualTypeOf<History>();
  expect(answer).toMatchObject({ visits: 0, peak: { count: 0 } });

  const labelled = await badge.$get({ query: { label: 'here' } });
  if (labelled.status !== 200) throw new Error(`Answered ${labelled.status}.`);
  expect(await labelled.json()).toMatchObject({ label: 'here', message: '0' });
  expect((await badge.$get({ query: {} })).status).toBe(200);
});

it('a typed client knows the problems of each status, and no other status', async () => {
  const { heartbeat, leave, presence } = typedClient().api;
  const answer = await heartbeat.$post({ json: { sessionId: 'anna', mood: 'release' } });
  expectTypeOf(answer.status).toEqualTypeOf<200 | 400 | 403 | 413 | 415 | 429 | 500 | 503>();
  if (answer.status !== 400) throw new Error(`Answered ${answer.status}.`);
  const problem = await answer.json();
  expectTypeOf(problem.type).toEqualTypeOf<'/docs#malformed-json' | '/docs#invalid-body'>();
  expect(problem.type).toBe('/docs#invalid-body' satisfies ProblemOf<'invalid-body'>['type']);

  expectTypeOf<Awaited<ReturnType<typeof leave.$post>>['status']>().toEqualTypeOf<
    200 | 400 | 403 | 413 | 415 | 500
  >();
  expectTypeOf<Awaited<ReturnType<typeof presence.$get>>['status']>().toEqualTypeOf<200 | 403 | 500>();
});

it('the compiler refuses arguments of a typed client that the routes would refuse', () => {
  const { heartbeat, leave } = typedClient().api;
  expectTypeOf(heartbeat.$post).parameter(0).toEqualTypeOf<{
    json: { sessionId: string; mood: 'gratitude' | 'presence' | 'release' | 'connection' };
  }>();
  expectTypeOf(leave.$post).parameter(0).toEqualTypeOf<{ json: { sessionId: string } }>();
});
