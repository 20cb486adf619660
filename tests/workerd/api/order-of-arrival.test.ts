import { env } from 'cloudflare:workers';
import { beforeEach, expect, it, vi } from 'vitest';
import type { Mood, PresenceState } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { ScriptedLimiter } from './scripted-limiter';

// A heartbeat of a new session waits for the limiter. Later requests of the session can overtake it.

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const FROM = { 'CF-Connecting-IP': '192.0.2.7' };

let runtime: FakeRuntime;
let limiter: ScriptedLimiter;
let fetch: Fetch;
let answerLimiter: ((outcome: RateLimitOutcome) => void)[];

beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime();
  limiter = new ScriptedLimiter();
  fetch = isolate();
  await heartbeat(sessionId(9));
  limiter.keys.length = 0;
  answerLimiter = [];
  limiter.answer = () => new Promise((resolve) => void answerLimiter.push(resolve));
});

/** Returns an isolate that has not synced yet. */
const isolate = () => fetchOf({ ...env, NEW_SESSIONS: limiter }, runtime);
const heartbeat = (id: string, mood: Mood = 'presence', by = fetch) =>
  Promise.resolve(post(by, '/api/heartbeat', { sessionId: id, mood }, FROM));
const inMood = (mood: Mood) => heartbeat(ANNA, mood);
const leave = () => post(fetch, '/api/leave', { sessionId: ANNA });
const counted = async () => (await (await fetch('/api/presence')).json()) as PresenceState;
const waitForLimiterCalls = (times: number) => vi.waitFor(() => expect(limiter.keys).toHaveLength(times));

it('a leave ends a session whose earlier heartbeat still waits for the limiter', async () => {
  const answer = inMood('presence');
  await waitForLimiterCalls(1);
  expect((await leave()).status).toBe(200);
  answerLimiter[0]?.({ success: true });
  expect((await answer).status).toBe(200);
  expect((await counted()).count).toBe(1);
});

it('a heartbeat after a leave counts, although an earlier heartbeat still waits for the limiter', async () => {
  const first = inMood('presence');
  await waitForLimiterCalls(1);
  await leave();
  const second = inMood('release');
  await waitForLimiterCalls(2);
  for (const answer of answerLimiter) answer({ success: true });
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
  expect((await counted()).moods).toMatchObject({ release: 1 });
});

it('the mood of the later heartbeat counts, although the limiter answers it first', async () => {
  const first = inMood('gratitude');
  await waitForLimiterCalls(1);
  const second = inMood('release');
  await waitForLimiterCalls(2);
  answerLimiter[1]?.({ success: true });
  await second;
  answerLimiter[0]?.({ success: true });
  expect((await first).status).toBe(200);
  expect((await counted()).moods).toMatchObject({ gratitude: 0, release: 1 });
});

it('a heartbeat that another one overtakes waits for the same sync', async () => {
  limiter.answer = () => Promise.resolve({ success: true });
  await heartbeat(BEN, 'presence', isolate());
  await runtime.advance(20_000);
  limiter.answer = () => new Promise((resolve) => void answerLimiter.push(resolve));
  limiter.keys.length = 0;
  const first = inMood('gratitude');
  await waitForLimiterCalls(1);
  const second = inMood('release');
  await waitForLimiterCalls(2);
  answerLimiter[1]?.({ success: true });
  answerLimiter[0]?.({ success: true });
  for (const answer of [await first, await second]) expect(await answer.json()).toMatchObject({ count: 3 });
});

it('a heartbeat that the limiter refuses counts if another one has started the session meanwhile', async () => {
  const first = inMood('release');
  await waitForLimiterCalls(1);
  const second = inMood('release');
  await waitForLimiterCalls(2);
  answerLimiter[0]?.({ success: true });
  await first;
  answerLimiter[1]?.({ success: false });
  expect((await second).status).toBe(200);
});
