import { expect, onTestFinished } from 'vitest';
import type { LiveClient } from '../support/live-client';
import type { Deployment, Isolate } from './deployment';

// What the clients of a test do at its isolates, and what the isolates answer.

/** A session that sends heartbeats: its isolate, its mood and its channel. Without a channel it is in the default one. */
export type Visit = readonly [isolate: Isolate, sessionId: string, mood: string, channel?: string];

/** Number of sessions in each mood. A mood without a number has none. */
export type Moods = Readonly<Record<string, number>>;

/** In each round the isolates sync one after the other. Then each session sends a heartbeat. */
export async function live(
  deployment: Deployment,
  isolates: readonly Isolate[],
  rounds: number,
  visits: readonly Visit[],
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await deployment.syncAll(isolates);
    for (const [isolate, id, mood, channel] of visits) await isolate.heartbeat(id, mood, channel);
  }
}

/** Opens a live socket, and closes it at the end of the test. */
export async function open(isolate: Isolate, channel?: string): Promise<LiveClient> {
  const client = await isolate.open(channel);
  onTestFinished(() => client.close());
  return client;
}

/** Expects that these isolates count these moods in a channel, and no others. */
export async function expectMoods(
  isolates: readonly Isolate[],
  moods: Moods,
  channel?: string,
): Promise<void> {
  const all = { gratitude: 0, presence: 0, release: 0, connection: 0, ...moods };
  for (const isolate of isolates) {
    const where = `${channel ?? 'the default channel'} at an isolate of ${isolate.version}`;
    expect((await isolate.presence(channel)).moods, where).toEqual(all);
  }
}
