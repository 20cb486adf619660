import { SYNC_WAIT_MAX_MS } from '../../limits';
import type { Runtime } from '../../runtime';
import type { Hub, SyncOutcome } from '../hub';
import type { Replica } from '../replica';
import { type MoodCounts, ZERO_COUNTS } from '../session';
import type { Timing } from '../timing';
import { answerFromWire, type RoomStub, type RoomVersion, reportToWire } from './room-protocol';

interface RoomHubOptions {
  /** Makes a stub for one call: after a failed call the platform wants a new one. */
  readonly room: () => RoomStub;
  readonly timing: Timing;
  readonly runtime: Pick<Runtime, 'now'>;
}

/**
 * The hub in one Durable Object, the room. It gets the changes of every replica and sends each replica the changes of the
 * others. So a sync costs what has changed since the last one.
 *
 * The replica keeps its changes until the room has answered, and sends a room that has lost its memory everything again. So a
 * lost call loses nothing. Other replicas' sessions count as of the last answer, for at most a TTL.
 */
export class RoomHub implements Hub {
  readonly kind = 'durable-object';
  readonly #options: RoomHubOptions;
  /** The version of the last answer. */
  #version: RoomVersion | undefined;

  constructor(options: RoomHubOptions) {
    this.#options = options;
  }

  async sync(replica: Replica): Promise<SyncOutcome> {
    const { isBehind, isFull } = await this.#exchange(replica);
    const isFullNow = isBehind && (await this.#exchange(replica)).isFull;
    return { isRefused: false, trouble: isFull || isFullNow ? 'too-many-sessions' : undefined };
  }

  /** The room has one location: everywhere. */
  otherLocations(): MoodCounts {
    return ZERO_COUNTS;
  }

  async #exchange(replica: Replica): Promise<{ readonly isBehind: boolean; readonly isFull: boolean }> {
    const { room, timing, runtime } = this.#options;
    const sentAt = runtime.now();
    replica.expire(sentAt);
    const version = this.#version;
    // A stale replica requests a snapshot. It may lack heartbeats that other replicas received.
    const since = replica.remote.isStale ? undefined : version;
    // Includes own sessions that expire before the next answer.
    const sent = replica.outbox(sentAt + 2 * timing.syncIntervalMs + SYNC_WAIT_MAX_MS);
    const answer = answerFromWire(await room().sync(reportToWire({ since, updates: sent })));
    const { isSnapshot, isFull, sessions: records } = answer;
    // An abandoned call may return late. Its changes start at an old version.
    if (this.#version !== version) return { isBehind: false, isFull };
    this.#version = answer.version;
    const isRestart = version !== undefined && answer.version.epoch !== version.epoch;
    const hubAnswer = { records, isSnapshot, isRestart, sent, sentAt };
    return { isBehind: replica.applyAnswer(hubAnswer, runtime.now()), isFull };
  }
}
