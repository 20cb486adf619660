import { expect } from 'vitest';
import type { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledKv } from '../../../support/troubled-kv';
import { extensionOf, type KvSite, storedSummary, TIMING, unnamedSessionIds } from './kv-site';

interface LoneWriter {
  readonly writer: SyncedReplica;
  /** The KV of this replica only. */
  readonly writerKv: TroubledKv;
  /** The sessions that send their heartbeats to it. */
  readonly ids: readonly string[];
}

/** Returns a replica with `sessionCount` sessions, which has been alone for 100 s and has just refreshed the key. */
export async function loneWriter(site: KvSite, sessionCount: number): Promise<LoneWriter> {
  const { replica: writer, kv: writerKv } = site.joinObserved();
  const ids = unnamedSessionIds(sessionCount);
  const sendAfterInterval = async () => {
    await site.runtime.advance(TIMING.syncIntervalMs);
    await sendHeartbeats(writer, ids);
  };
  // The first heartbeat opens the location. The next refresh writes the other sessions.
  await sendHeartbeats(writer, ids);
  for (let elapsedMs = 0; elapsedMs < 100_000; elapsedMs += TIMING.syncIntervalMs) await sendAfterInterval();
  // With few sessions the refresh is 100 s after the first heartbeat, with many 100 s after the first sync.
  while ((await storedSummary()).at < site.runtime.now()) await sendAfterInterval();
  expect(extensionOf(await storedSummary())).toBe(TIMING.aloneExtensionMs);
  return { writer, writerKv, ids };
}

export async function sendHeartbeats(replica: SyncedReplica, ids: readonly string[]): Promise<void> {
  for (const id of ids) await replica.heartbeat(id);
}

/** Runs the sync that is due, and returns the count after it. */
export async function syncedCount(replica: SyncedReplica): Promise<number> {
  await replica.presence();
  return replica.count();
}
