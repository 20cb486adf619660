import type { KeyValueStore } from '../../../src/presence/kv/kv-hub';
import { type Mood, type PresenceState, ZERO_COUNTS } from '../../../src/presence/session';
import type { Runtime } from '../../../src/runtime';
import type { Store } from '../isolates';
import { peopleIn } from '../oracle';

const PREFIX = 'session:';

interface StoredRecord {
  readonly mood: Mood | null;
  readonly lastSeen: number;
}

/**
 * The other usual design, for comparison: each session has a KV key. Every heartbeat writes its mood and time as metadata. Every answer
 * lists all keys. A leave writes `mood: null`.
 */
export class KeyPerSessionStore implements Store {
  readonly #kv: KeyValueStore;
  readonly #ttlMs: number;
  readonly #runtime: Runtime;

  constructor(kv: KeyValueStore, ttlMs: number, runtime: Runtime) {
    this.#kv = kv;
    this.#ttlMs = ttlMs;
    this.#runtime = runtime;
  }

  async countHeartbeat(id: string, mood: Mood): Promise<PresenceState> {
    await this.#write(id, mood);
    return this.presence();
  }

  leave(id: string): Promise<void> {
    return this.#write(id, null);
  }

  async presence(): Promise<PresenceState> {
    const oldest = this.#runtime.now() - this.#ttlMs;
    const moods = { ...ZERO_COUNTS };
    let cursor: string | undefined;
    do {
      const page = await this.#kv.list?.<StoredRecord>({
        prefix: PREFIX,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { metadata } of page?.keys ?? []) {
        if (metadata?.mood && metadata.lastSeen > oldest) moods[metadata.mood] += 1;
      }
      cursor = page === undefined || page.list_complete ? undefined : page.cursor;
    } while (cursor !== undefined);
    return { count: peopleIn(moods), moods, timestamp: this.#runtime.now() };
  }

  async #write(id: string, mood: Mood | null): Promise<void> {
    const metadata: StoredRecord = { mood, lastSeen: this.#runtime.now() };
    await this.#kv.put(PREFIX + id, '', { expirationTtl: 60, metadata }).catch(() => undefined);
  }
}
