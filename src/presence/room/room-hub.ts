import { SYNC_WAIT_MAX_MS } from '../../limits';
import type { Runtime } from '../../runtime';
import type { Hub, SyncOutcome } from '../hub';
import type { Replica } from '../replica';
import { type MoodCounts, ZERO_COUNTS } from '../session';
import type { Timing } from '../timing';
import type { Trouble } from '../trouble';
import {
  answerFromWire,
  type RoomAnswer,
  type RoomStub,
  type RoomVersion,
  reportToWire,
} from './room-protocol';

interface RoomHubOptions {
  /** Makes a stub for one call, because the platform requires a new one after a failed call. */
  readonly room: () => RoomStub;
  readonly timing: Timing;
  readonly runtime: Pick<Runtime, 'now'>;
  /** Whether the service has named channels. */
  readonly hasChannels: boolean;
}

/**
 * The hub in one Durable Object, the room. The room gets the changes of every replica and sends each replica the changes of the
 * others. So the cost of a sync depends on the changes since the last one.
 *
 * The replica keeps its changes until the room has answered, and sends all sessions again to a restarted room. So a lost call loses
 * nothing. The sessions of other replicas count as of the last answer, for at most a TTL.
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
    const first = await this.#exchange(replica);
    const second = first.isBehind ? await this.#exchange(replica) : first;
    return { isRefused: false, trouble: second.trouble ?? first.trouble };
  }

  /** The replica holds the sessions of all locations. */
  otherLocations(): MoodCounts {
    return ZERO_COUNTS;
  }

  async #exchange(replica: Replica): Promise<Exchange> {
    const { room, timing, runtime, hasChannels } = this.#options;
    const sentAt = runtime.now();
    replica.expire(sentAt);
    const version = this.#version;
    // A stale replica requests a snapshot, because it may lack heartbeats at other replicas.
    const since = replica.remote.isStale ? undefined : version;
    // Includes own sessions that expire before the next answer.
    const sent = replica.outbox(sentAt + 2 * timing.syncIntervalMs + SYNC_WAIT_MAX_MS);
    const answer = answerFromWire(
      await room().sync(reportToWire({ since, updates: sent, wantsChannels: hasChannels })),
    );
    const trouble = this.#troubleIn(answer);
    // An abandoned call may return late. Its changes follow an old version, so they are dropped.
    if (this.#version !== version) return { isBehind: false, trouble };
    this.#version = answer.version;
    const isRestart = version !== undefined && answer.version.epoch !== version.epoch;
    const { sessions: records, isSnapshot, includesChannels } = answer;
    const hubAnswer = { records, isSnapshot, isRestart, includesChannels, sent, sentAt };
    return { isBehind: replica.applyAnswer(hubAnswer, runtime.now()), trouble };
  }

  #troubleIn({ isFull, includesChannels }: RoomAnswer): Trouble | undefined {
    // A room of version 1.0 holds no session of a named channel.
    if (this.#options.hasChannels && !includesChannels) return 'sync-failed';
    return isFull ? 'too-many-sessions' : undefined;
  }
}

interface Exchange {
  /** The room lacks records of the replica. */
  readonly isBehind: boolean;
  readonly trouble: Trouble | undefined;
}
