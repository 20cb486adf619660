import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { ProblemCode } from '../../../src/api/problems';
import { LIMITER_WAIT_MAX_MS } from '../../../src/limits';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';
import { ScriptedLimiter } from './scripted-limiter';

const [ANNA, BEN, CARL, DORA] = [sessionId(1), sessionId(2), sessionId(3), sessionId(4)];
const ADDRESS = '192.0.2.7';

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

/** Returns an isolate that has not synced yet. */
const isolate = (variables: object = {}) => fetchOf({ ...env, NEW_SESSIONS: limiter, ...variables }, runtime);

const heartbeat = (
  id: string,
  headers: Record<string, string> = { 'CF-Connecting-IP': ADDRESS },
  by = fetch,
) => post(by, '/api/heartbeat', { sessionId: id, mood: 'presence' }, headers);

async function expectRefusal(response: Response, code: ProblemCode, retryAfter: string): Promise<void> {
  expect(response.headers.get('Retry-After')).toBe(retryAfter);
  await problemOf(response, code);
}

describe('one network', () => {
  beforeEach(async () => {
    await heartbeat(ANNA);
    limiter.keys.length = 0;
  });

  it('a new session over the limit gets 429 and does not count', async () => {
    limiter.answer = () => Promise.resolve({ success: false });
    await expectRefusal(await heartbeat(BEN), 'too-many-new-sessions', '60');
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
  ])('the limiter counts the address %s as the network %s', async (address, network) => {
    await heartbeat(BEN, { 'CF-Connecting-IP': address });
    const [key = ''] = limiter.keys;
    const written = key.includes('.')
      ? key
      : key
          .split(':')
          .map((group) => Number(group).toString(16))
          .join(':');
    expect(written).toBe(network);
  });

  it.each([
    ['an empty text', '', '0'],
    ['one colon', ':', '0:0'],
    ['four colons', '::::', '0:0:0:0'],
    ['a word', 'peter', 'NaN'],
    ['ten groups', '1:2:3:4:5:6:7:8:9::10', '1:2:3:4'],
    ['5,000 letters', 'x'.repeat(5_000), 'NaN'],
    ['5,000 colons', ':'.repeat(5_000), '0:0:0:0'],
  ])('the limiter counts an invalid address under a short key: %s', async (_what, address, key) => {
    limiter.answer = () => Promise.resolve({ success: false });
    await expectRefusal(await heartbeat(BEN, { 'CF-Connecting-IP': address }), 'too-many-new-sessions', '60');
    expect(limiter.keys).toEqual([key]);
  });

  it.each(['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'True-Client-IP'])(
    'the header %s, which a client can send, does not change the network of a session',
    async (header) => {
      await heartbeat(BEN, { 'CF-Connecting-IP': ADDRESS, [header]: '203.0.113.9' });
      await heartbeat(CARL, { [header]: '203.0.113.9' });
      expect(limiter.keys).toEqual([ADDRESS]);
    },
  );
});

describe('a fresh replica', () => {
  const refuseAll = () => {
    limiter.answer = () => Promise.resolve({ success: false });
  };

  it('a fresh replica sends its first session to the limiter', async () => {
    refuseAll();
    await expectRefusal(await heartbeat(ANNA), 'too-many-new-sessions', '60');
    expect(limiter.keys).toEqual([ADDRESS]);
  });

  it('a replica whose hub fails sends every new session to the limiter', async () => {
    refuseAll();
    fetch = isolate({ PRESENCE_KV: { get: () => Promise.reject(new Error('KV is unavailable')) } });
    for (const id of [ANNA, BEN]) await expectRefusal(await heartbeat(id), 'too-many-new-sessions', '60');
  });

  it('a fresh replica writes its first session at once, so other isolates count it', async () => {
    await heartbeat(sessionId(9));
    expect(await (await isolate()('/api/presence')).json()).toMatchObject({ count: 1 });
  });
});

describe('sessions without the limiter', () => {
  const refuseAll = () => {
    limiter.answer = () => Promise.resolve({ success: false });
  };

  it('a known session passes without the limiter, also after it left and after it expired', async () => {
    await heartbeat(ANNA);
    refuseAll();
    expect((await heartbeat(ANNA)).status).toBe(200);
    await post(fetch, '/api/leave', { sessionId: ANNA });
    expect((await heartbeat(ANNA)).status).toBe(200);
    await runtime.advance(30_000);
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
    expect((await heartbeat(ANNA)).status).toBe(200);
  });

  it.each([{ PRESENCE_HUB: 'kv' }, { PRESENCE_HUB: 'durable-object' }])(
    'a session of another isolate passes without the limiter: %j',
    async (variables) => {
      const [here, there] = [isolate(variables), isolate(variables)];
      vi.useFakeTimers({ toFake: ['Date'], now: runtime.now() });
      await heartbeat(BEN, {}, there);
      await here('/api/presence');
      refuseAll();
      expect((await heartbeat(BEN, undefined, here)).status).toBe(200);
      await expectRefusal(await heartbeat(CARL, undefined, here), 'too-many-new-sessions', '60');
    },
  );

  it('a new session without an address passes without the limiter', async () => {
    await heartbeat(ANNA);
    refuseAll();
    expect((await heartbeat(BEN, {})).status).toBe(200);
    expect(log).not.toHaveBeenCalled();
  });

  it.each([
    ['NEW_SESSION_LIMIT is off', { NEW_SESSION_LIMIT: 'off' }, []],
    ['the limiter is not bound, which is logged', { NEW_SESSIONS: undefined }, ['NEW_SESSIONS is not bound']],
  ])('new sessions pass without the limiter if %s', async (_why, variables, lines) => {
    refuseAll();
    const unlimited = isolate(variables);
    for (const id of [ANNA, BEN]) expect((await heartbeat(id, undefined, unlimited)).status).toBe(200);
    expect(log.mock.calls).toEqual(lines.map((line) => [expect.stringContaining(line)]));
  });

  it('invalid heartbeats, leaves and reads make no call to the limiter', async () => {
    await heartbeat(ANNA);
    limiter.keys.length = 0;
    const from = { 'CF-Connecting-IP': ADDRESS };
    await post(fetch, '/api/heartbeat', { sessionId: BEN, mood: 'joy' }, from);
    await post(fetch, '/api/heartbeat', { sessionId: 'ben', mood: 'presence' }, from);
    await post(fetch, '/api/leave', { sessionId: BEN }, from);
    await fetch('/api/presence', { headers: from });
    expect(limiter.keys).toEqual([]);
  });
});

describe('a failing limiter', () => {
  beforeEach(async () => {
    await heartbeat(ANNA);
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
    ['has no method', {}],
    ['answers nothing', { limit: () => Promise.resolve() }],
  ])(
    'new sessions pass, and the log has one line without the address, if the limiter %s',
    async (_what, NEW_SESSIONS) => {
      fetch = isolate({ NEW_SESSIONS });
      await heartbeat(ANNA);
      for (const id of [BEN, CARL]) expect((await heartbeat(id)).status).toBe(200);
      expect(log).toHaveBeenCalledOnce();
      const line = String(log.mock.lastCall?.[0]);
      expect(JSON.parse(line)).toMatchObject({ event: 'trouble', trouble: 'new sessions are not limited' });
      expect(line).not.toContain(ADDRESS);
    },
  );

  it('a new session passes if the limiter does not answer within LIMITER_WAIT_MAX_MS', async () => {
    limiter.answer = () => new Promise(() => undefined);
    const answer = Promise.resolve(heartbeat(BEN));
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

  it('a full replica refuses new sessions and counts known ones', async () => {
    for (const id of [ANNA, BEN, CARL]) expect((await heartbeat(id)).status).toBe(200);
    await expectRefusal(await heartbeat(DORA), 'full', '10');
    for (const id of [ANNA, BEN, CARL]) expect((await heartbeat(id)).status).toBe(200);
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 3 });
  });

  it('a replica with two free places accepts two of 20 sessions that start at once', async () => {
    await heartbeat(ANNA);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => heartbeat(sessionId(100 + n))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  });

  it('a full replica accepts a new session in place of one that has left or expired', async () => {
    for (const id of [ANNA, BEN, CARL]) await heartbeat(id);
    await post(fetch, '/api/leave', { sessionId: ANNA });
    expect((await heartbeat(DORA)).status).toBe(200);
    await runtime.advance(30_000);
    for (const n of [21, 22, 23]) expect((await heartbeat(sessionId(n))).status).toBe(200);
  });

  it('a replica for one session accepts two simultaneous heartbeats of it', async () => {
    fetch = isolate({ SESSIONS_MAX: '1' });
    const answers = await Promise.all([heartbeat(ANNA), heartbeat(ANNA)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});
