import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { ProblemCode } from '../../../src/api/problems';
import { LIMITER_WAIT_MAX_MS } from '../../../src/limits';
import type { Mood, PresenceState } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';

const [ANNA, BEN, CARL, DORA] = [sessionId(1), sessionId(2), sessionId(3), sessionId(4)];
const ADDRESS = '192.0.2.7';

/** A limiter that says what the test wants, and remembers whom it was asked about. */
class ScriptedLimiter implements RateLimit {
  readonly keys: string[] = [];
  answer: () => Promise<RateLimitOutcome> = () => Promise.resolve({ success: true });

  limit({ key }: RateLimitOptions): Promise<RateLimitOutcome> {
    this.keys.push(key);
    return this.answer();
  }
}

let runtime: FakeRuntime;
let limiter: ScriptedLimiter;
let fetch: Fetch;
let log: MockInstance;

beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime();
  limiter = new ScriptedLimiter();
  fetch = isolate();
  log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  log.mockRestore();
  vi.useRealTimers();
});

/** One isolate that has heard from its hub. */
const isolate = (variables: object = {}) => fetchOf({ ...env, NEW_SESSIONS: limiter, ...variables }, runtime);

const beat = (id: string, headers: Record<string, string> = { 'CF-Connecting-IP': ADDRESS }, by = fetch) =>
  post(by, '/api/heartbeat', { sessionId: id, mood: 'presence' }, headers);

async function expectRefusal(response: Response, code: ProblemCode, retryAfter: string): Promise<void> {
  expect(response.headers.get('Retry-After')).toBe(retryAfter);
  await problemOf(response, code);
}

describe('new sessions of one network', () => {
  beforeEach(async () => {
    await beat(ANNA);
    limiter.keys.length = 0;
  });

  it('are refused over the limit, and count nobody', async () => {
    limiter.answer = () => Promise.resolve({ success: false });
    await expectRefusal(await beat(BEN), 'too-many-new-sessions', '60');
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 1 });
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:0001:2::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8::', '2001:db8:0:0'],
    ['2001:db8::3:4:5:6', '2001:db8:0:0'],
    ['2001::3:4:5:6:7:8', '2001:0:3:4'],
    ['::1', '0:0:0:0'],
  ])('are counted together: %s as %s', async (address, network) => {
    await beat(BEN, { 'CF-Connecting-IP': address });
    const [key = ''] = limiter.keys;
    const written = key.includes('.')
      ? key
      : key
          .split(':')
          .map((group) => Number(group).toString(16))
          .join(':');
    expect(written).toBe(network);
  });

  it.each(['', ':', '::::', 'anna', '1:2:3:4:5:6:7:8:9::10', 'x'.repeat(5_000)])(
    'pass with an address that is none: %j',
    async (address) => {
      expect((await beat(BEN, { 'CF-Connecting-IP': address })).status).toBe(200);
    },
  );

  it.each(['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'True-Client-IP'])(
    'are not told apart by %s, which anybody can write',
    async (header) => {
      await beat(BEN, { 'CF-Connecting-IP': ADDRESS, [header]: '203.0.113.9' });
      await beat(CARL, { [header]: '203.0.113.9' });
      expect(limiter.keys).toEqual([ADDRESS]);
    },
  );
});

describe('a replica that has not heard from its hub', () => {
  const RESIDENT = sessionId(9);
  const refuseAll = () => {
    limiter.answer = () => Promise.resolve({ success: false });
  };

  it('asks the limiter about a new session after its first sync', async () => {
    refuseAll();
    await expectRefusal(await beat(ANNA), 'too-many-new-sessions', '60');
    expect(limiter.keys).toEqual([ADDRESS]);
  });

  it('asks the limiter about every new session where its hub fails', async () => {
    refuseAll();
    fetch = isolate({ PRESENCE_KV: { get: () => Promise.reject(new Error('KV is away')) } });
    for (const id of [ANNA, BEN]) await expectRefusal(await beat(id), 'too-many-new-sessions', '60');
  });

  it('writes a session that waited for the first sync at once, so that other isolates count it', async () => {
    await beat(RESIDENT);
    expect(await (await isolate()('/api/presence')).json()).toMatchObject({ count: 1 });
  });
});

describe('requests for one session keep their order of arrival while the limiter is asked', () => {
  let answerLimiter: ((outcome: RateLimitOutcome) => void)[];
  beforeEach(async () => {
    await beat(sessionId(9));
    limiter.keys.length = 0;
    answerLimiter = [];
    limiter.answer = () => new Promise((resolve) => void answerLimiter.push(resolve));
  });
  const asked = (times: number) => vi.waitFor(() => expect(limiter.keys).toHaveLength(times));
  const counted = async () => (await (await fetch('/api/presence')).json()) as PresenceState;
  const inMood = (mood: Mood) =>
    Promise.resolve(post(fetch, '/api/heartbeat', { sessionId: ANNA, mood }, FROM));
  const leave = () => post(fetch, '/api/leave', { sessionId: ANNA });
  const FROM = { 'CF-Connecting-IP': ADDRESS };

  it('a leave that comes after the heartbeat ends the session', async () => {
    const heartbeat = inMood('presence');
    await asked(1);
    expect((await leave()).status).toBe(200);
    answerLimiter[0]?.({ success: true });
    expect((await heartbeat).status).toBe(200);
    expect((await counted()).count).toBe(1);
  });

  it('a heartbeat that comes after the leave counts', async () => {
    const first = inMood('presence');
    await asked(1);
    await leave();
    const second = inMood('release');
    await asked(2);
    for (const answer of answerLimiter) answer({ success: true });
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
    expect((await counted()).moods).toMatchObject({ release: 1 });
  });

  it('the mood of the later heartbeat stands, though the limiter answers it first', async () => {
    const first = inMood('gratitude');
    await asked(1);
    const second = inMood('release');
    await asked(2);
    answerLimiter[1]?.({ success: true });
    await second;
    answerLimiter[0]?.({ success: true });
    expect((await first).status).toBe(200);
    expect((await counted()).moods).toMatchObject({ gratitude: 0, release: 1 });
  });

  it('a heartbeat that another one overtakes waits for the same sync, so its answer is as new', async () => {
    limiter.answer = () => Promise.resolve({ success: true });
    await beat(BEN, FROM, isolate());
    await runtime.advance(20_000);
    limiter.answer = () => new Promise((resolve) => void answerLimiter.push(resolve));
    limiter.keys.length = 0;
    const first = inMood('gratitude');
    await asked(1);
    const second = inMood('release');
    await asked(2);
    answerLimiter[1]?.({ success: true });
    answerLimiter[0]?.({ success: true });
    for (const answer of [await first, await second]) expect(await answer.json()).toMatchObject({ count: 3 });
  });

  it('a session that has come meanwhile is not refused', async () => {
    const first = inMood('release');
    await asked(1);
    const second = inMood('release');
    await asked(2);
    answerLimiter[0]?.({ success: true });
    await first;
    answerLimiter[1]?.({ success: false });
    expect((await second).status).toBe(200);
  });
});

describe('the limiter is not asked', () => {
  const nobodyPasses = () => {
    limiter.answer = () => Promise.resolve({ success: false });
  };

  it('about who is known here, or left or fell silent a moment ago', async () => {
    await beat(ANNA);
    nobodyPasses();
    expect((await beat(ANNA)).status).toBe(200);
    await post(fetch, '/api/leave', { sessionId: ANNA });
    expect((await beat(ANNA)).status).toBe(200);
    await runtime.advance(30_000);
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
    expect((await beat(ANNA)).status).toBe(200);
  });

  it.each([{ PRESENCE_HUB: 'kv' }, { PRESENCE_HUB: 'durable-object' }])(
    'about who is known from another isolate: %j',
    async (variables) => {
      const [here, there] = [isolate(variables), isolate(variables)];
      vi.useFakeTimers({ toFake: ['Date'], now: runtime.now() });
      await beat(BEN, {}, there);
      await here('/api/presence');
      nobodyPasses();
      expect((await beat(BEN, undefined, here)).status).toBe(200);
      await expectRefusal(await beat(CARL, undefined, here), 'too-many-new-sessions', '60');
    },
  );

  it('where the platform gives no address', async () => {
    await beat(ANNA);
    nobodyPasses();
    expect((await beat(BEN, {})).status).toBe(200);
    expect(log).not.toHaveBeenCalled();
  });

  it.each([
    ['NEW_SESSION_LIMIT is off', { NEW_SESSION_LIMIT: 'off' }, []],
    ['it is not bound, which is logged', { NEW_SESSIONS: undefined }, ['NEW_SESSIONS is not bound']],
  ])('where %s', async (_why, variables, lines) => {
    nobodyPasses();
    const unlimited = isolate(variables);
    for (const id of [ANNA, BEN]) expect((await beat(id, undefined, unlimited)).status).toBe(200);
    expect(log.mock.calls).toEqual(lines.map((line) => [expect.stringContaining(line)]));
  });

  it('about what is refused anyway', async () => {
    await beat(ANNA);
    limiter.keys.length = 0;
    const from = { 'CF-Connecting-IP': ADDRESS };
    await post(fetch, '/api/heartbeat', { sessionId: BEN, mood: 'joy' }, from);
    await post(fetch, '/api/heartbeat', { sessionId: 'ben', mood: 'presence' }, from);
    await post(fetch, '/api/leave', { sessionId: BEN }, from);
    await fetch('/api/presence', { headers: from });
    expect(limiter.keys).toEqual([]);
  });
});

describe('a limiter that fails lets pass, and is logged without the address', () => {
  beforeEach(async () => {
    await beat(ANNA);
    limiter.keys.length = 0;
  });

  it.each([
    ['rejects', { limit: () => Promise.reject(new Error('overloaded')) }],
    [
      'throws',
      {
        limit: () => {
          throw new Error('overloaded');
        },
      },
    ],
    ['is none', {}],
    ['answers nothing', { limit: () => Promise.resolve() }],
  ])('%s', async (_what, NEW_SESSIONS) => {
    fetch = isolate({ NEW_SESSIONS });
    await beat(ANNA);
    for (const id of [BEN, CARL]) expect((await beat(id)).status).toBe(200);
    expect(log).toHaveBeenCalledOnce();
    const line = String(log.mock.lastCall?.[0]);
    expect(JSON.parse(line)).toMatchObject({ event: 'trouble', trouble: 'new sessions are not limited' });
    expect(line).not.toContain(ADDRESS);
  });

  it('hangs', async () => {
    limiter.answer = () => new Promise(() => undefined);
    const answer = Promise.resolve(beat(BEN));
    await vi.waitFor(() => expect(limiter.keys).toEqual([ADDRESS]));
    await runtime.advance(LIMITER_WAIT_MAX_MS);
    expect((await answer).status).toBe(200);
    expect(String(log.mock.lastCall?.[0])).toContain('The limiter did not answer.');
  });
});

describe('a full replica', () => {
  beforeEach(() => {
    fetch = isolate({ SESSIONS_MAX: '3' });
  });

  it('has no room for new sessions, and all for known ones', async () => {
    for (const id of [ANNA, BEN, CARL]) expect((await beat(id)).status).toBe(200);
    await expectRefusal(await beat(DORA), 'full', '10');
    for (const id of [ANNA, BEN, CARL]) expect((await beat(id)).status).toBe(200);
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 3 });
  });

  it('is full for those who come at once, too', async () => {
    await beat(ANNA);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => beat(sessionId(100 + n))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  });

  it('takes a new session in place of one that has left or expired', async () => {
    for (const id of [ANNA, BEN, CARL]) await beat(id);
    await post(fetch, '/api/leave', { sessionId: ANNA });
    expect((await beat(DORA)).status).toBe(200);
    await runtime.advance(30_000);
    for (const n of [21, 22, 23]) expect((await beat(sessionId(n))).status).toBe(200);
  });

  it('takes two heartbeats of one new session that come at once', async () => {
    fetch = isolate({ SESSIONS_MAX: '1' });
    const answers = await Promise.all([beat(ANNA), beat(ANNA)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});
