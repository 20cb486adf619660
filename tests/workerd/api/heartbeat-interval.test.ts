import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { heartbeatInterval } from '../../../src/api/answers';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

const HEARTBEAT = { sessionId: sessionId(1), mood: 'presence' };
const LISTED = 'https://good.example';
const PREFLIGHT = { method: 'OPTIONS', headers: { Origin: LISTED, 'Access-Control-Request-Method': 'POST' } };

/** The TTL, its variable, and the interval that the service sends. */
const INTERVALS = [
  ['the default TTL', {}, '10'],
  ['a TTL of 600 s', { SESSION_TTL_SECONDS: '600' }, '10'],
  ['a TTL of 6 s', { SESSION_TTL_SECONDS: '6' }, '2'],
  ['a TTL of 7 s', { SESSION_TTL_SECONDS: '7' }, '2.333'],
  ['a TTL of 2 s', { SESSION_TTL_SECONDS: '2' }, '0.666'],
] as const;

const isolate = (variables: object) => fetchOf({ ...env, ...variables }, new FakeRuntime());

/** Returns one answer of each kind, by name. */
async function answersOf(fetch: Fetch): Promise<Readonly<Record<string, Response>>> {
  return {
    heartbeat: await post(fetch, '/api/heartbeat', HEARTBEAT),
    presence: await fetch('/api/presence'),
    leave: await post(fetch, '/api/leave', HEARTBEAT),
    health: await fetch('/health'),
    'a wrong body': await post(fetch, '/api/heartbeat', {}),
    'no JSON': await post(fetch, '/api/heartbeat', '{'),
    'another method': await fetch('/api/presence', { method: 'DELETE' }),
    'an unknown path': await fetch('/nowhere'),
    'a request that is no WebSocket': await fetch('/api/live'),
    'a preflight': await fetch('/api/heartbeat', PREFLIGHT),
  };
}

const intervalsOf = (answers: Readonly<Record<string, Response>>) =>
  Object.fromEntries(
    Object.entries(answers).map(([name, { headers }]) => [
      name,
      [headers.get('Presence-Interval'), headers.get('Access-Control-Expose-Headers')?.split(',').at(0)],
    ]),
  );

const same = (answers: object, interval: string) =>
  Object.fromEntries(Object.keys(answers).map((name) => [name, [interval, 'Presence-Interval']]));

beforeEach(() => emptyStorage());

describe.each(['kv', 'durable-object'])('the interval with %s', (hub) => {
  it.each(INTERVALS)(
    'every answer of a service with %s has and exposes its interval',
    async (_ttl, variables, interval) => {
      const answers = await answersOf(isolate({ PRESENCE_HUB: hub, ...variables }));
      expect(intervalsOf(answers)).toEqual(same(answers, interval));
    },
  );

  it('a service with listed origins sends its interval, also to a preflight and a foreign origin', async () => {
    const fetch = isolate({ PRESENCE_HUB: hub, ALLOWED_ORIGINS: LISTED, SESSION_TTL_SECONDS: '7' });
    const answers = {
      ...(await answersOf(fetch)),
      'a listed origin': await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: LISTED }),
      'a problem for a listed origin': await post(fetch, '/api/heartbeat', {}, { Origin: LISTED }),
      'a foreign origin': await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://evil.example' }),
    };
    expect(answers['a foreign origin'].status).toBe(403);
    expect(intervalsOf(answers)).toEqual(same(answers, '2.333'));
  });
});

it('the answer that opens a live socket has the interval, the live header and no content type', async () => {
  const fetch = isolate({ PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: '7' });
  const { status, headers, webSocket } = await fetch('/api/live', { headers: { Upgrade: 'websocket' } });
  expect(status).toBe(101);
  expect(headers.get('Presence-Interval')).toBe('2.333');
  expect(headers.get('Presence-Live')).toBe('1');
  expect(headers.has('Content-Type')).toBe(false);
  const closed = new Promise((resolve) => webSocket?.addEventListener('close', resolve));
  webSocket?.accept();
  webSocket?.close(1000);
  await closed;
});

it('the interval has at most three decimals, and three intervals take at most one TTL', () => {
  for (let seconds = 2; seconds <= 600; seconds += 1) {
    const interval = heartbeatInterval(seconds * 1_000);
    expect(interval).toMatch(/^\d+(\.\d{1,3})?$/);
    expect(Math.round(Number(interval) * 3_000)).toBeLessThanOrEqual(seconds * 1_000);
    expect(Number(interval)).toBeLessThanOrEqual(10);
    expect(Number(interval)).toBeGreaterThan(Math.min(10, seconds / 3) - 0.001);
  }
});
