import { DEFAULT_MOOD, MOODS, type Mood } from '../../../src/moods';
import { Room } from '../../../src/presence/room/room';
import { answerToWire, type RoomReport } from '../../../src/presence/room/room-protocol';
import type { SessionRecord } from '../../../src/presence/session';
import { NO_HISTORY } from '../../../tests/support/no-history';
import { NO_JOURNAL } from '../../../tests/support/no-journal';
import { sessionId } from '../../../tests/support/session-id';
import { givenOptions } from '../../options';
import { median } from '../median';

// What a sync costs the room: by what has changed, and by how many people there are: `npm run bench -- room`.

const CROWDS = [1_000, 10_000, 100_000];
const CHANGES = [10, 100, 1_000];
const ROUNDS = 200;
const TTL_MS = 30_000;

const given = givenOptions(
  'What a sync costs the room, by the changes and by the people.',
  {},
  { json: 'Prints all figures, for programs.' },
);
const mood = (n: number): Mood => MOODS[n % MOODS.length] ?? DEFAULT_MOOD;

const rows = CROWDS.map((people) => {
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
  const runtime = { now: () => now, sleep: () => new Promise<void>(() => undefined) };
  const room = new Room({
    ttlMs: TTL_MS,
    runtime,
    epoch: 'bench',
    journal: NO_JOURNAL,
    historyStore: NO_HISTORY,
    sockets: [],
    report: () => undefined,
  });
  let { version: since } = room.sync({ since: undefined, updates: updates(0, people), wantsChannels: false });
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / people;

  const microseconds = CHANGES.map((changes) => {
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
    return median(took);
  });
  const start = performance.now();
  answerToWire(room.sync({ since: undefined, updates: [], wantsChannels: false }));
  const allMs = performance.now() - start;
  return {
    people,
    'bytes a person': Math.round(bytes),
    ...Object.fromEntries(
      CHANGES.map((changes, k) => [`µs, ${changes} changes`, Math.round(microseconds[k] ?? 0)]),
    ),
    'ms, everybody to a fresh replica': Number(allMs.toFixed(1)),
  };
});
if (given['json'] === true) console.log(JSON.stringify(rows, null, 2));
else console.table(rows);
