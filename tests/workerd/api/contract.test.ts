import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { Health, LeaveResponse, PresenceState } from '../../../src/api/answer-schemas';
import { MOODS } from '../../../src/moods';
import { type Mood, ZERO_COUNTS } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { observeResponse, requestOf } from '../../support/observations';
import { createApp, fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';

const ANNA = 'a1b2c3d4-e5f6-4a7b-8c9d-e0f1a2b3c4d5';
const BEN = sessionId(2);

let runtime: FakeRuntime;
let fetch: Fetch;

beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime();
  fetch = fetchOf(env, runtime);
});

async function stateOf(response: Response): Promise<PresenceState> {
  expect(response.status).toBe(200);
  expect(response.headers.get('Content-Type')).toBe('application/json');
  const body = await response.json();
  // The documented keys and no others.
  expect(strict(PresenceState).parse(body)).toEqual(body);
  const state = PresenceState.parse(body);
  expect(Object.values(state.moods).reduce((sum, count) => sum + count)).toBe(state.count);
  return state;
}

const heartbeat = async (id: string, mood: Mood = 'presence') =>
  stateOf(await post(fetch, '/api/heartbeat', { sessionId: id, mood }));
const presence = async () => stateOf(await fetch('/api/presence'));
const leave = async (id: string) => {
  const response = await post(fetch, '/api/leave', { sessionId: id });
  expect(response.status).toBe(200);
  expect(LeaveResponse.parse(await response.json())).toEqual({ success: true });
};

describe('the three endpoints', () => {
  it('start with nobody, all four moods at zero', async () => {
    expect(await presence()).toEqual({ count: 0, moods: ZERO_COUNTS, timestamp: runtime.now() });
  });

  it.each(MOODS)('count a heartbeat in its mood: %s', async (mood) => {
    const expected = { count: 1, moods: { ...ZERO_COUNTS, [mood]: 1 }, timestamp: runtime.now() };
    expect(await heartbeat(ANNA, mood)).toEqual(expected);
    expect(await presence()).toEqual(expected);
  });

  it('move a session to its new mood', async () => {
    await heartbeat(ANNA, 'presence');
    expect((await heartbeat(ANNA, 'release')).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('take an id in upper and lower case for one session', async () => {
    await heartbeat(ANNA.toUpperCase());
    expect((await heartbeat(ANNA)).count).toBe(1);
    await leave(ANNA.toUpperCase());
    expect((await presence()).count).toBe(0);
  });

  it('show a leave in the next answer, and thank for one of nobody', async () => {
    await heartbeat(ANNA);
    await heartbeat(BEN);
    await leave(ANNA);
    expect((await presence()).count).toBe(1);
    await leave(ANNA);
    await leave(sessionId(77));
    expect((await presence()).count).toBe(1);
  });

  it('end beat, leave, beat within one millisecond with a session in its last mood', async () => {
    await heartbeat(ANNA, 'presence');
    await leave(ANNA);
    expect((await heartbeat(ANNA, 'gratitude')).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    await leave(ANNA);
    expect((await presence()).count).toBe(0);
  });

  it('end a session 30 s after its last heartbeat: in at 29.999 s, out at 30 s', async () => {
    await heartbeat(ANNA);
    await runtime.advance(29_999);
    expect((await presence()).count).toBe(1);
    await runtime.advance(1);
    expect((await presence()).count).toBe(0);
  });

  it('ignore unknown keys and whatever time a client sends', async () => {
    const body = { sessionId: ANNA, mood: 'presence', timestamp: 1, lastSeen: 9e15, name: 'Anna' };
    const state = await stateOf(await post(fetch, '/api/heartbeat', body));
    expect(state).toEqual({ count: 1, moods: { ...ZERO_COUNTS, presence: 1 }, timestamp: runtime.now() });
    await runtime.advance(30_000);
    expect((await presence()).count).toBe(0);
  });
});

describe('HEAD /api/presence', () => {
  it('gets the head of the answer, and no body', async () => {
    const response = await fetch('/api/presence', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(await response.text()).toBe('');
  });
});

describe('a body', () => {
  it.each([
    ['application/json'],
    ['application/json; charset=utf-8'],
    ['Application/JSON'],
    ['application/ld+json'],
    ['text/plain'],
    ['text/plain;charset=UTF-8'],
    ['text/plain ; charset=UTF-8'],
    ['; charset=utf-8'],
    ['model/gltf+json'],
    ['application/json, application/json'],
    ['application/json; charset=utf-8, text/plain;charset=UTF-8'],
    ['application/json,'],
    ['application/ld+json; profile="a,b", application/json'],
    ['application/json; profile="a\\",b"'],
  ])('of type %s is read as JSON', async (type) => {
    const response = await post(
      fetch,
      '/api/heartbeat',
      { sessionId: ANNA, mood: 'presence' },
      { 'Content-Type': type },
    );
    expect((await stateOf(response)).count).toBe(1);
  });

  it.each(['application/json', 'application/ld+json', 'text/plain'])(
    'of a leave may have the type %s, too',
    async (type) => {
      await heartbeat(ANNA);
      const response = await post(fetch, '/api/leave', { sessionId: ANNA }, { 'Content-Type': type });
      expect(await response.json()).toEqual({ success: true });
      expect((await presence()).count).toBe(0);
    },
  );

  it('with no type at all is read as JSON', async () => {
    const body = new TextEncoder().encode(JSON.stringify({ sessionId: ANNA, mood: 'presence' }));
    expect((await stateOf(await fetch('/api/heartbeat', { method: 'POST', body }))).count).toBe(1);
  });

  it('that begins with a byte order mark is read without it', async () => {
    const body = `\uFEFF${JSON.stringify({ sessionId: ANNA, mood: 'presence' })}`;
    expect((await stateOf(await post(fetch, '/api/heartbeat', body))).count).toBe(1);
  });

  it('of a beacon, a string, lets a session leave', async () => {
    await heartbeat(ANNA);
    // navigator.sendBeacon(url, string) sends just this.
    const response = await fetch('/api/leave', { method: 'POST', body: JSON.stringify({ sessionId: ANNA }) });
    expect(await response.json()).toEqual({ success: true });
    expect((await presence()).count).toBe(0);
  });
});

describe('caching', () => {
  it('is off by default', async () => {
    for (const response of [
      await fetch('/api/presence'),
      await post(fetch, '/api/heartbeat', { sessionId: ANNA, mood: 'presence' }),
      await post(fetch, '/api/leave', { sessionId: ANNA }),
      await fetch('/health'),
      await fetch('/nowhere'),
    ]) {
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    }
  });

  it('of GET /api/presence is what PRESENCE_CACHE_SECONDS says, and of nothing else', async () => {
    const ask = fetchOf({ ...env, PRESENCE_CACHE_SECONDS: '5' }, runtime);
    expect((await ask('/api/presence')).headers.get('Cache-Control')).toBe('public, max-age=5');
    for (const response of [
      await post(ask, '/api/heartbeat', { sessionId: ANNA, mood: 'presence' }),
      await post(ask, '/api/leave', { sessionId: ANNA }),
      await ask('/health'),
      await ask('/nowhere'),
      await ask('/api/presence', { method: 'DELETE' }),
    ]) {
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    }
  });
});

describe('GET /health', () => {
  it('says which hub there is and how old the last sync is, without asking it', async () => {
    const health = async () => strict(Health).parse(await (await fetch('/health')).json());
    expect(await health()).toEqual({ status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: null });
    await heartbeat(ANNA);
    await runtime.advance(4_000);
    expect(await health()).toEqual({ status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: 4_000 });
  });
});

describe('a TTL of 180 s with a heartbeat a minute', () => {
  it('keeps people between their heartbeats, here and in other isolates and locations', async () => {
    const slow = { ...env, SESSION_TTL_SECONDS: '180' };
    const isolate = (colo: string): Fetch => {
      const app = createApp(runtime);
      // The same env object for all requests of an isolate, as on the platform.
      const own = { ...slow };
      return (path, init) =>
        app.request(new Request(`http://localhost${path}`, { ...init, cf: { colo } }), {}, own);
    };
    const [here, there, abroad] = [isolate('ams'), isolate('ams'), isolate('fra')];
    for (let minute = 0; minute < 6; minute += 1) {
      const counts: number[] = [];
      for (const [n, one] of [here, there, abroad].entries()) {
        const response = await post(one, '/api/heartbeat', { sessionId: sessionId(n), mood: 'presence' });
        counts.push((await stateOf(response)).count);
      }
      // A location hears of another one a minute later, when it lists again.
      if (minute >= 2) expect(counts).toEqual([3, 3, 3]);
      await runtime.advance(60_000);
    }
    // All heartbeats stop. A session ends at its isolate after 180 s, at a peer 30 s later. The lease of a location ends after 320 s,
    // or 400 s if one isolate serves it.
    await runtime.advance(340_000);
    for (const one of [here, there, abroad])
      expect((await stateOf(await one('/api/presence'))).count).toBe(0);
  });
});

describe('the Worker itself', () => {
  it('answers the contract with its real clock and KV', async () => {
    const ask: Fetch = async (path, init) => {
      const url = new URL(path, 'http://localhost');
      const answer = await exports.default.fetch(url, init);
      observeResponse(init?.method ?? 'GET', url, answer, requestOf(init));
      return answer;
    };
    const before = Date.now();
    const state = await stateOf(await post(ask, '/api/heartbeat', { sessionId: ANNA, mood: 'connection' }));
    expect(state.moods).toEqual({ ...ZERO_COUNTS, connection: 1 });
    expect(state.timestamp).toBeGreaterThanOrEqual(before);
    expect(await (await post(ask, '/api/leave', { sessionId: ANNA })).json()).toEqual({ success: true });
    expect((await stateOf(await ask('/api/presence'))).count).toBe(0);
  });
});
