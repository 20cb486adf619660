import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
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
  // `strict` refuses keys that the schema does not have.
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
  it('a service without sessions answers a count of zero, and zero for each mood', async () => {
    expect(await presence()).toEqual({ count: 0, moods: ZERO_COUNTS, timestamp: runtime.now() });
  });

  it.each(MOODS)('a heartbeat counts in its mood: %s', async (mood) => {
    const expected = { count: 1, moods: { ...ZERO_COUNTS, [mood]: 1 }, timestamp: runtime.now() };
    expect(await heartbeat(ANNA, mood)).toEqual(expected);
    expect(await presence()).toEqual(expected);
  });

  it('a heartbeat with another mood moves the session to that mood', async () => {
    await heartbeat(ANNA, 'presence');
    expect((await heartbeat(ANNA, 'release')).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('an id in upper case and in lower case is one session', async () => {
    await heartbeat(ANNA.toUpperCase());
    expect((await heartbeat(ANNA)).count).toBe(1);
    await leave(ANNA.toUpperCase());
    expect((await presence()).count).toBe(0);
  });

  it('the next answer does not count a session that left, and a leave of an unknown session succeeds', async () => {
    await heartbeat(ANNA);
    await heartbeat(BEN);
    await leave(ANNA);
    expect((await presence()).count).toBe(1);
    await leave(ANNA);
    await leave(sessionId(77));
    expect((await presence()).count).toBe(1);
  });

  it('a heartbeat, a leave and a heartbeat within 1 ms leave the session in its last mood', async () => {
    await heartbeat(ANNA, 'presence');
    await leave(ANNA);
    expect((await heartbeat(ANNA, 'gratitude')).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    await leave(ANNA);
    expect((await presence()).count).toBe(0);
  });

  it('a session counts for 29.999 s after its last heartbeat, and no longer at 30 s', async () => {
    await heartbeat(ANNA);
    await runtime.advance(29_999);
    expect((await presence()).count).toBe(1);
    await runtime.advance(1);
    expect((await presence()).count).toBe(0);
  });

  it('a heartbeat with unknown keys counts, and a time from the client has no effect', async () => {
    const body = { sessionId: ANNA, mood: 'presence', timestamp: 1, lastSeen: 9e15, name: 'Anna' };
    const state = await stateOf(await post(fetch, '/api/heartbeat', body));
    expect(state).toEqual({ count: 1, moods: { ...ZERO_COUNTS, presence: 1 }, timestamp: runtime.now() });
    await runtime.advance(30_000);
    expect((await presence()).count).toBe(0);
  });
});

describe('HEAD /api/presence', () => {
  it('a HEAD request gets the headers of the presence and no body', async () => {
    const response = await fetch('/api/presence', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(await response.text()).toBe('');
  });
});

describe('request bodies', () => {
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
  ])('a heartbeat of type %s is read as JSON', async (type) => {
    const response = await post(
      fetch,
      '/api/heartbeat',
      { sessionId: ANNA, mood: 'presence' },
      { 'Content-Type': type },
    );
    expect((await stateOf(response)).count).toBe(1);
  });

  it.each(['application/json', 'application/ld+json', 'text/plain'])(
    'a leave of type %s ends its session',
    async (type) => {
      await heartbeat(ANNA);
      const response = await post(fetch, '/api/leave', { sessionId: ANNA }, { 'Content-Type': type });
      expect(await response.json()).toEqual({ success: true });
      expect((await presence()).count).toBe(0);
    },
  );

  it('a heartbeat without a type is read as JSON', async () => {
    const body = new TextEncoder().encode(JSON.stringify({ sessionId: ANNA, mood: 'presence' }));
    expect((await stateOf(await fetch('/api/heartbeat', { method: 'POST', body }))).count).toBe(1);
  });

  it('a heartbeat that begins with a byte order mark is read without the mark', async () => {
    const body = `\uFEFF${JSON.stringify({ sessionId: ANNA, mood: 'presence' })}`;
    expect((await stateOf(await post(fetch, '/api/heartbeat', body))).count).toBe(1);
  });

  it('a leave that a beacon sends as a string ends its session', async () => {
    await heartbeat(ANNA);
    // `navigator.sendBeacon(url, string)` sends this request.
    const response = await fetch('/api/leave', { method: 'POST', body: JSON.stringify({ sessionId: ANNA }) });
    expect(await response.json()).toEqual({ success: true });
    expect((await presence()).count).toBe(0);
  });
});

describe('caching', () => {
  it('no answer may be cached by default', async () => {
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

  it('PRESENCE_CACHE_SECONDS lets caches keep GET /api/presence, and no other answer', async () => {
    const request = fetchOf({ ...env, PRESENCE_CACHE_SECONDS: '5' }, runtime);
    expect((await request('/api/presence')).headers.get('Cache-Control')).toBe('public, max-age=5');
    for (const response of [
      await post(request, '/api/heartbeat', { sessionId: ANNA, mood: 'presence' }),
      await post(request, '/api/leave', { sessionId: ANNA }),
      await request('/health'),
      await request('/nowhere'),
      await request('/api/presence', { method: 'DELETE' }),
    ]) {
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    }
  });
});

describe('GET /health', () => {
  it('the health names the hub and the age of the last sync', async () => {
    const health = async () => strict(Health).parse(await (await fetch('/health')).json());
    expect(await health()).toEqual({ status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: null });
    await heartbeat(ANNA);
    await runtime.advance(4_000);
    expect(await health()).toEqual({ status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: 4_000 });
  });

  it('a request for the health starts no sync', async () => {
    const get = vi.fn(async () => null);
    fetch = fetchOf({ ...env, PRESENCE_KV: { get, put: async () => undefined } }, runtime);
    for (let request = 0; request < 2; request += 1) {
      await fetch('/health');
      await runtime.advance(10_000);
    }
    expect(get).not.toHaveBeenCalled();
    await fetch('/api/presence');
    expect(get).toHaveBeenCalled();
  });
});

describe('a TTL of 180 s', () => {
  it('with a TTL of 180 s, sessions with a heartbeat a minute count at all isolates until they expire', async () => {
    const slow = { ...env, SESSION_TTL_SECONDS: '180' };
    const isolate = (colo: string): Fetch => {
      const app = createApp(runtime);
      // The platform passes one env object with all requests of an isolate.
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
      // A location counts the sessions of another one after its next listing, up to 60 s later.
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

describe('the real Worker', () => {
  it('the Worker answers the contract with its real clock and KV', async () => {
    const request: Fetch = async (path, init) => {
      const url = new URL(path, 'http://localhost');
      const answer = await exports.default.fetch(url, init);
      observeResponse(init?.method ?? 'GET', url, answer, requestOf(init));
      return answer;
    };
    const before = Date.now();
    const state = await stateOf(
      await post(request, '/api/heartbeat', { sessionId: ANNA, mood: 'connection' }),
    );
    expect(state.moods).toEqual({ ...ZERO_COUNTS, connection: 1 });
    expect(state.timestamp).toBeGreaterThanOrEqual(before);
    expect(await (await post(request, '/api/leave', { sessionId: ANNA })).json()).toEqual({ success: true });
    expect((await stateOf(await request('/api/presence'))).count).toBe(0);
  });
});
