import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HISTORY_INTERVAL_MS } from '../../../src/limits';
import type { History } from '../../../src/presence/history';
import { ROOM_NAME } from '../../../src/presence/room/room-protocol';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

const stub = env.PRESENCE_ROOM.getByName(ROOM_NAME);
const ROOM = { ...env, PRESENCE_HUB: 'durable-object' };

let runtime: FakeRuntime;
let fetch: Fetch;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  runtime = new FakeRuntime(Date.now());
  runtime.onTick = vi.setSystemTime;
  await emptyStorage();
  fetch = fetchOf(ROOM, runtime);
});
afterEach(() => void vi.useRealTimers());

const heartbeat = (n: number, path = '/api/heartbeat', at: Fetch = fetch) =>
  post(at, path, { sessionId: sessionId(n), mood: 'presence' });
const history = async (at: Fetch = fetch): Promise<History> => (await at('/api/history')).json();

/** Lets the isolate sync, and lets its kept history get older than a minute. */
async function nextMinute(): Promise<void> {
  await runtime.advance(1_500);
  await fetch('/api/presence');
  await runtime.advance(HISTORY_INTERVAL_MS);
}

describe('GET /api/history', () => {
  it('the history has the visits, the peak and 288 counts of all isolates, with the running step last', async () => {
    const other = fetchOf(ROOM, runtime);
    await heartbeat(1);
    await heartbeat(2, '/api/heartbeat', other);
    await runtime.advance(1_500);
    await heartbeat(1);
    await heartbeat(2, '/api/heartbeat', other);
    const { counts, peak, visits, stepMs, timestamp } = await history();
    expect({ visits, stepMs, timestamp }).toEqual({ visits: 2, stepMs: 300_000, timestamp: runtime.now() });
    expect(counts).toHaveLength(288);
    expect(counts.at(-1)).toBe(2);
    expect(peak).toEqual({ count: 2, at: runtime.now() - (runtime.now() % 300_000) });
  });

  it('an isolate calls the room once for 1,000 requests within a minute, and again after it', async () => {
    const history = vi.fn(() => stub.history());
    const counting = { getByName: () => ({ history }) };
    const at = fetchOf({ ...ROOM, PRESENCE_ROOM: counting }, runtime);
    const statuses = new Set<number>();
    for (let batch = 1; batch <= 10; batch += 1) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => at('/api/history')));
      for (const { status } of answers) statuses.add(status);
      expect(history).toHaveBeenCalledTimes(1);
      // The tenth batch is the last one within the minute.
      await runtime.advance(HISTORY_INTERVAL_MS / 10);
    }
    expect(statuses).toEqual(new Set([200]));
    await at('/api/history');
    expect(history).toHaveBeenCalledTimes(2);
  });

  it('caches may keep the history for a minute, and every origin may read it', async () => {
    const { headers } = await fetch('/api/history', { headers: { Origin: 'https://page.example' } });
    expect(headers.get('Cache-Control')).toBe('public, max-age=60');
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*');
  });

  it('HEAD /api/history gets 200 and no body', async () => {
    const answer = await fetch('/api/history', { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it('the history counts no session of a named channel', async () => {
    fetch = fetchOf({ ...ROOM, CHANNELS: '*' }, runtime);
    await heartbeat(1, '/api/channels/lobby/heartbeat');
    await nextMinute();
    expect((await history()).visits).toBe(0);
  });

  it('a channel has no history of its own', async () => {
    fetch = fetchOf({ ...ROOM, CHANNELS: '*' }, runtime);
    expect((await fetch('/api/channels/lobby/history')).status).toBe(404);
  });

  it('a session that moves to another isolate is one visit', async () => {
    const other = fetchOf(ROOM, runtime);
    await heartbeat(1);
    await runtime.advance(10_000);
    await heartbeat(1, '/api/heartbeat', other);
    await runtime.advance(1_500);
    await heartbeat(1, '/api/heartbeat', other);
    expect((await history()).visits).toBe(1);
  });
});

describe('GET /api/badge', () => {
  it.each([
    ['with the room', ROOM],
    ['with KV', env],
  ])('the badge has the count, %s', async (_hub, bindings) => {
    const at = fetchOf(bindings, runtime);
    for (let n = 0; n < 3; n += 1) await heartbeat(n, '/api/heartbeat', at);
    const answer = await at('/api/badge');
    expect(await answer.json()).toEqual({
      schemaVersion: 1,
      label: 'breathing now',
      message: '3',
      color: '#3f9a8d',
    });
    expect(answer.headers.get('Cache-Control')).toBe('public, max-age=60');
    expect(answer.headers.get('Content-Type')).toBe('application/json');
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff');
  });

  it('an empty service has a badge of another colour', async () => {
    expect(await (await fetch('/api/badge')).json()).toMatchObject({ message: '0', color: '#9aa3a2' });
  });

  it('a request for the badge starts no session', async () => {
    await fetch('/api/badge');
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
  });

  const FORTY = '\u{1f9d8}'.repeat(40);

  it.each([
    ['of several words', 'here now'],
    ['that is empty', ''],
    ['of 40 characters outside the basic plane', FORTY],
    ['with an emoji of several characters', '\u{1f9d8}\u200d\u2640\ufe0f now'],
    ['with quotes', `"R&D's"`],
  ])('the badge has the requested label %s', async (_which, label) => {
    const answer = await fetch(`/api/badge?label=${encodeURIComponent(label)}`);
    expect(await answer.json()).toMatchObject({ label });
  });

  it.each([
    ['of 41 characters', `label=${encodeURIComponent(`${FORTY}x`)}`],
    ['with HTML', 'label=%3Cscript%3E'],
    ['with a line break', 'label=here%0Anow'],
    ['with a line separator', 'label=here%E2%80%A8now'],
    ['that turns the direction of the text', 'label=%E2%80%AEwon'],
    ['that is given twice', 'label=here&label=now'],
  ])('a label %s gets a problem that does not repeat it', async (_which, query) => {
    const answer = await fetch(`/api/badge?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      type: '/docs#invalid-query',
      title: 'The query is not valid',
      status: 400,
      detail: 'The key errors says which parameter is wrong, and what is accepted.',
      errors: [
        {
          pointer: '#/label',
          detail: 'must have at most 40 printable characters, without < and >',
        },
      ],
    });
  });
});
