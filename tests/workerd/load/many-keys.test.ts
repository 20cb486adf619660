import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { sessionId } from '../../support/session-id';
import { KvSite } from '../presence/kv/kv-site';

it('a replica counts another location although 1,001 foreign keys precede its key', async () => {
  const site = await KvSite.open();
  const puts = Array.from({ length: 1_001 }, (_, n) => env.PRESENCE_KV.put(`presence:sessions:a${n}`, ''));
  await Promise.all(puts);
  await site.join('fra').heartbeat(sessionId(1));
  const { replica, kv } = site.joinObserved();
  // Otherwise the replica finds the new location without a list.
  kv.trouble.getOpened = 'throws';
  expect((await replica.heartbeat(sessionId(2))).count).toBe(2);
  // A page has at most 1,000 keys.
  expect(kv.operations.list).toBe(2);
});
