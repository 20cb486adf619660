import { DEFAULT_MOOD, MOODS, type Mood } from '../../src/moods';
import { Room } from '../../src/presence/room/room';
import { answerToWire, type RoomReport } from '../../src/presence/room/room-protocol';
import type { SessionRecord } from '../../src/presence/session';
import { NO_HISTORY } from '../../tests/support/no-history';
import { NO_JOURNAL } from '../../tests/support/no-journal';
import { sessionId } from '../../tests/support/session-id';
import { median } from './median';

const CHANGES = [10, 100, 1_000];
const ROUNDS = 200;
const TTL_MS = 30_000;

export interface RoomCost {
  readonly people: number;
  readonly bytesPerPerson: number;
  readonly calls: readonly {
    readonly changes: number;
    readonly microseconds: number;
  }[];
  /** The time of a call that returns all sessions to a fresh replica. */
  readonly everythingMs: number;
}

/** Measures the calls of a replica to a room with this number of people, in Node. Needs `--expose-gc`. */
export function roomCost(people: number): RoomCost {
  let now = Date.UTC(2026, 0, 1);
  const ids = Array.from({ length: people }, (_, n) => sessionId(n));
  const updates = (from: number, count: number) =>
    new Map<string, SessionRecord>(
      Array.from({ length: count }, (_, k) => {
        const n = (from + k) % people;
        return [ids[n] ?? '', { mood: mood(n), lastSeen: now }];
      }),
    );
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const room = new Room({
    ttlMs: TTL_MS,
    runtime: { now: () => now, sleep: () => new Promise<void>(() => undefined) },
    epoch: 'bench',
    journal: NO_JOURNAL,
    historyStore: NO_HISTORY,
    sockets: [],
    report: () => undefined,
  });
  let { version: since } = room.sync({ since: undefined, updates: updates(0, people), wantsChannels: false });
  globalThis.gc?.();
  const bytesPerPerson = (process.memoryUsage().heapUsed - before) / people;

  const calls = CHANGES.map((changes) => {
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      now += 10;
      const report: RoomReport = {
        since,
        updates: updates(round * changes, changes),
        wantsChannels: false,
      };
      const start = performance.now();
      since = answerToWire(room.sync(report)).version;
      took.push((performance.now() - start) * 1_000);
    }
    return { changes, microseconds: median(took) };
  });
  const start = performance.now();
  answerToWire(room.sync({ since: undefined, updates: [], wantsChannels: false }));
  return {
    people,
    bytesPerPerson,
    calls,
    everythingMs: performance.now() - start,
  };
}

const mood = (n: number): Mood => MOODS[n % MOODS.length] ?? DEFAULT_MOOD;
