import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { KV_SESSIONS_MAX } from '../../../src/limits';
import { Replica } from '../../../src/presence/replica';
import { START } from '../../support/fake-runtime';
import { formatSessions } from '../../support/format-sessions';
import { sessionId } from '../../support/session-id';
import { KEY, KvSite, stored, TIMING } from '../presence/kv/kv-site';

let site: KvSite;
beforeEach(async () => {
  site = await KvSite.open();
});

const FULL_REPORT = `this location has more than ${KV_SESSIONS_MAX} sessions; further sessions are not counted`;

/** Stores `count` sessions as another isolate does, with four heartbeats in each millisecond. */
const store = (from: number, count: number) =>
  env.PRESENCE_KV.put(
    KEY,
    formatSessions(
      new Map(
        Array.from({ length: count }, (_, k) => [
          sessionId(from + k),
          {
            mood: 'presence',
            lastSeen: site.runtime.now() - KV_SESSIONS_MAX / 4 + Math.floor(k / 4),
          } as const,
        ]),
      ),
    ),
  );

describe('a location with too many sessions', () => {
  it('a replica counts the sessions up to the limit, reports further ones, and recovers', {
    timeout: 20_000,
  }, async () => {
    const replica = site.join();
    await store(0, KV_SESSIONS_MAX);
    expect(await replica.count()).toBe(KV_SESSIONS_MAX);
    expect(replica.trouble).toBeUndefined();
    expect(site.reports).toEqual([]);
    await store(0, KV_SESSIONS_MAX + 1);
    await site.sync(replica);
    expect(await replica.count()).toBe(KV_SESSIONS_MAX);
    expect(replica.trouble).toBe('too-many-sessions');
    expect(site.reports).toEqual([FULL_REPORT]);
    await site.runtime.advance(TIMING.tombstoneTtlMs);
    await store(0, 1);
    await site.sync(replica);
    expect(replica.trouble).toBeUndefined();
  });

  it('a full replica writes all own sessions, and drops the remote sessions with the oldest heartbeats', {
    timeout: 20_000,
  }, async () => {
    await store(10, KV_SESSIONS_MAX);
    const replica = site.join();
    await replica.heartbeat(sessionId(0));
    await replica.heartbeat(sessionId(1));
    await site.sync(replica);
    await site.sync(replica);
    expect(await replica.count()).toBe(KV_SESSIONS_MAX);
    const value = (await stored()).value as object;
    expect(Object.keys(value)).toHaveLength(KV_SESSIONS_MAX);
    expect(value).toHaveProperty(sessionId(0));
    expect(value).toHaveProperty(sessionId(1));
    expect(value).not.toHaveProperty(sessionId(10));
    expect(value).not.toHaveProperty(sessionId(11));
    expect(value).toHaveProperty(sessionId(12));
    expect(replica.trouble).toBe('too-many-sessions');
  });

  it('tombstones of own sessions take no place of remote sessions, and are not stored', {
    timeout: 20_000,
  }, async () => {
    const replica = site.join();
    await replica.heartbeat(sessionId(KV_SESSIONS_MAX));
    await replica.leave(sessionId(KV_SESSIONS_MAX));
    await store(0, KV_SESSIONS_MAX);
    await site.sync(replica);
    expect(await replica.count()).toBe(KV_SESSIONS_MAX);
    expect(replica.trouble).toBeUndefined();
    await replica.heartbeat(sessionId(0));
    await site.sync(replica);
    const value = (await stored()).value as object;
    expect(Object.keys(value)).toHaveLength(KV_SESSIONS_MAX);
    expect(value).not.toHaveProperty(sessionId(KV_SESSIONS_MAX));
  });

  it('a replica that reads twice keeps at most the sessions of one full read', {
    timeout: 20_000,
  }, async () => {
    const replica = site.join();
    await store(0, KV_SESSIONS_MAX);
    await replica.presence();
    await site.runtime.advance(TIMING.ttlMs);
    await store(KV_SESSIONS_MAX, KV_SESSIONS_MAX);
    await site.sync(replica);
    expect(await replica.count()).toBe(KV_SESSIONS_MAX);
    expect(replica.sessions.get(sessionId(KV_SESSIONS_MAX))).toBeDefined();
    expect(replica.sessions.get(sessionId(0))).toBeUndefined();
  });

  it('a replica with too many own sessions keeps all, and writes those with the latest heartbeats', {
    timeout: 20_000,
  }, async () => {
    const replica = new Replica(TIMING);
    for (let n = 0; n < KV_SESSIONS_MAX + 2; n += 1) replica.heartbeat(sessionId(n), 'presence', START);
    await store(KV_SESSIONS_MAX + 2, 10);
    expect(await site.hub().sync(replica)).toMatchObject({ trouble: 'too-many-sessions' });
    expect(replica.own.size).toBe(KV_SESSIONS_MAX + 2);
    expect(replica.remote.recordsSize).toBe(0);
    const ids = Object.keys((await stored()).value as object);
    expect(ids).toHaveLength(KV_SESSIONS_MAX);
    expect(ids[0]).toBe(sessionId(2));
  });
});
