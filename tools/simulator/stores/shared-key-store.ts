import type { KeyValueStore } from '../../../src/presence/kv/kv-hub';
import { type Mood, type PresenceState, ZERO_COUNTS } from '../../../src/presence/session';
import type { Runtime } from '../../../src/runtime';
import type { Store } from '../isolates';
import { peopleIn } from '../oracle';

const KEY = 'presence:sessions';

type Sessions = Record<string, { mood: Mood; lastSeen: number }>;

/**
 * The usual design, for comparison: one KV key has a map of all sessions. Every heartbeat and every leave reads, changes and writes it.
 * The store ignores a write that fails, otherwise the request fails too.
 */
export class SharedKeyStore implements Store {
  readonly #kv: KeyValueStore;
  readonly #ttlMs: number;
  readonly #runtime: Runtime;

  constructor(kv: KeyValueStore, ttlMs: number, runtime: Runtime) {
    this.#kv = kv;
    this.#ttlMs = ttlMs;
    this.#runtime = runtime;
  }

  async countHeartbeat(id: string, mood: Mood): Promise<PresenceState> {
    const sessions = await this.#read();
    sessions[id] = { mood, lastSeen: this.#runtime.now() };
    await this.#write(sessions);
    return this.#state(sessions);
  }

  async leave(id: string): Promise<void> {
    const sessions = await this.#read();
    delete sessions[id];
    await this.#write(sessions);
  }

  async presence(): Promise<PresenceState> {
    return this.#state(await this.#read());
  }

  async #read(): Promise<Sessions> {
    const stored = JSON.parse(
      (await this.#kv.get(KEY, { cacheTtl: 30 }).catch(() => null)) ?? '{}',
    ) as Sessions;
    const oldest = this.#runtime.now() - this.#ttlMs;
    return Object.fromEntries(Object.entries(stored).filter(([, { lastSeen }]) => lastSeen > oldest));
  }

  async #write(sessions: Sessions): Promise<void> {
    await this.#kv.put(KEY, JSON.stringify(sessions)).catch(() => undefined);
  }

  #state(sessions: Sessions): PresenceState {
    const moods = { ...ZERO_COUNTS };
    for (const { mood } of Object.values(sessions)) moods[mood] += 1;
    return { count: peopleIn(moods), moods, timestamp: this.#runtime.now() };
  }
}
