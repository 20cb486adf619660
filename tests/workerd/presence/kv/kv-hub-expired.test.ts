import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { KEY, KvSite, stored, storedSummary, TIMING } from './kv-site';
import { loneWriter, sendHeartbeats, syncedCount } from './lone-writer';

const ANNA = sessionId(1);
const SECOND = 1_000;

let site: KvSite;
let runtime: FakeRuntime;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime } = site);
});

it.each([10, 50])(
  'a replica with %d sessions writes the tombstone of an expired one, and readers do not revive it',
  async (sessionCount) => {
    const { writer, ids } = await loneWriter(site, sessionCount);
    const [ended = '', ...others] = ids;
    const lastSeen = runtime.now();
    const readers = [site.joinObserved(), site.joinObserved()];
    for (const { replica } of readers) expect(await replica.count()).toBe(sessionCount);
    const tombstone = { mood: null, lastSeen: lastSeen + 1 };
    let endedAfterMs = Number.NaN;
    while (runtime.now() < lastSeen + 2 * TIMING.tombstoneTtlMs) {
      await runtime.advance(TIMING.syncIntervalMs);
      await sendHeartbeats(writer, others);
      const { value } = await stored();
      const record = (value as Record<string, object>)[ended];
      const elapsedMs = runtime.now() - lastSeen;
      if (Number.isNaN(endedAfterMs) && elapsedMs >= TIMING.ttlMs) endedAfterMs = elapsedMs;
      if (Number.isNaN(endedAfterMs)) expect(record).toEqual({ mood: 'presence', lastSeen, rests: true });
      // Otherwise a copy that still counts revives the session.
      else if (elapsedMs < TIMING.tombstoneTtlMs) expect(record).toEqual(tombstone);
      const isPresent = Number.isNaN(endedAfterMs);
      for (const { replica } of readers)
        expect(await syncedCount(replica)).toBe(isPresent ? sessionCount : sessionCount - 1);
    }
    expect((await stored()).value).not.toHaveProperty(ended);
    for (const { kv: readerKv } of readers) expect(readerKv.operations.put).toBe(0);
  },
);

it.each(['has read the tombstone', 'has not read the tombstone'])(
  'a reader that %s does not write its older copy with its own first session',
  async (what) => {
    const { writer, ids } = await loneWriter(site, 30);
    const [ended = '', ...others] = ids;
    const lastSeen = runtime.now();
    const [reader, third] = [site.join(), site.join()];
    for (const replica of [reader, third]) expect(await replica.count()).toBe(30);
    const older = await env.PRESENCE_KV.getWithMetadata(KEY);
    while (runtime.now() < lastSeen + TIMING.ttlMs) {
      await runtime.advance(TIMING.syncIntervalMs);
      await sendHeartbeats(writer, others);
    }
    expect((await stored()).value).toMatchObject({ [ended]: { mood: null } });
    await third.presence();
    if (what === 'has read the tombstone') {
      await reader.presence();
      // KV sometimes returns an older value than before.
      await env.PRESENCE_KV.put(KEY, older.value ?? '', { metadata: older.metadata });
      await runtime.advance(TIMING.syncIntervalMs);
    }
    await reader.heartbeat(ANNA);
    await site.sync(reader);
    expect((await stored()).value).toMatchObject({
      [ANNA]: { mood: 'presence' },
      [ended]: { mood: null, lastSeen: lastSeen + 1 },
    });
    for (let round = 0; round < 16; round += 1) {
      for (const replica of [reader, third, site.join()]) expect(await syncedCount(replica)).toBe(30);
      await sendHeartbeats(writer, others);
      await reader.heartbeat(ANNA);
      await runtime.advance(TIMING.syncIntervalMs);
    }
  },
);

it('an owner writes its tombstone again after a reader wrote the session from an older value', async () => {
  const { writer, ids } = await loneWriter(site, 30);
  const [ended = '', ...others] = ids;
  const older = await env.PRESENCE_KV.getWithMetadata(KEY);
  for (let elapsedMs = 0; elapsedMs < TIMING.ttlMs; elapsedMs += TIMING.syncIntervalMs) {
    await runtime.advance(TIMING.syncIntervalMs);
    await sendHeartbeats(writer, others);
  }
  await env.PRESENCE_KV.put(KEY, older.value ?? '', { metadata: older.metadata });
  const reader = site.join();
  await reader.heartbeat(ANNA);
  expect((await stored()).value).toMatchObject({ [ended]: { mood: 'presence' } });
  await site.sync(writer);
  expect((await stored()).value).toMatchObject({ [ended]: { mood: null }, [ANNA]: { mood: 'presence' } });
  await site.sync(reader);
  expect(await reader.count()).toBe(30);
});

it('a tombstone of an expired session does not end it at a replica with a later heartbeat', async () => {
  const [here, there] = [site.join(), site.join()];
  await here.heartbeat(ANNA);
  await runtime.advance(29 * SECOND);
  await there.heartbeat(ANNA, 'release');
  for (let round = 0; round < 10; round += 1) {
    await site.sync(here);
    await there.heartbeat(ANNA, 'release');
    for (const replica of [here, there]) expect((await replica.presence()).moods.release).toBe(1);
  }
});

it('a replica without sessions writes a summary without the stored sessions that have expired', async () => {
  await site.join().heartbeat(ANNA);
  const { replica: reader, kv: observed } = site.joinObserved();
  await reader.count();
  await runtime.advance(TIMING.tombstoneTtlMs - 10_000);
  await site.sync(reader);
  await site.sync(reader);
  expect(observed.operations.put).toBe(1);
  expect((await storedSummary()).moods).toEqual(ZERO_COUNTS);
});
