import { readFile } from 'node:fs/promises';
import { build, type Plugin } from 'esbuild';

/** One mistake in a production module: `right` stands there exactly once, and is replaced by `wrong`. */
export interface PlantedBug {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

const TABLE = 'presence/session-table.ts';
const STORE = 'presence/presence-store.ts';
const HUB = 'presence/kv-hub.ts';
const CONFIG = 'config.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  { name: 'TTL off by one millisecond', file: TABLE, right: 'now - ttlMs)', wrong: 'now - ttlMs - 1)' },
  { name: 'grace for own sessions', file: TABLE, right: 'now - ttlMs)', wrong: 'now - keepMs)' },
  {
    name: 'no grace',
    file: CONFIG,
    right: 'const graceMs = refreshMs + 2 * syncIntervalMs',
    wrong: 'const graceMs = 0',
  },
  {
    name: 'no tombstones',
    file: TABLE,
    right: 'this.#left.set(id, null, now,',
    wrong: 'void (id, null, now,',
  },
  {
    name: 'tombstones forgotten with the session',
    file: TABLE,
    right: 'this.#left.expire(now - keepMs - restMs)',
    wrong: 'this.#left.expire(now - ttlMs)',
  },
  {
    name: 'expired sessions forgotten',
    file: TABLE,
    right: 'const isOver = expired !== undefined &&',
    wrong: 'const isOver = false &&',
  },
  {
    name: 'merge keeps the older',
    file: 'presence/session.ts',
    right: 'return a.lastSeen > b.lastSeen',
    wrong: 'return a.lastSeen < b.lastSeen',
  },
  {
    name: 'leave that beats a later heartbeat',
    file: 'presence/session.ts',
    right: 'if (a.lastSeen !== b.lastSeen) return',
    wrong:
      'if (a.mood === null || b.mood === null) return a.mood === null;\n  if (a.lastSeen !== b.lastSeen) return',
  },
  {
    name: 'put without merge',
    file: TABLE,
    right: 'all.set(id, { mood: theirs.mood, lastSeen: theirs.lastSeen });',
    wrong: '',
  },
  {
    name: 'a stale read forgets peers',
    file: HUB,
    right: 'if (read === undefined || overrules(known, read)) heard.set',
    wrong: 'if (read !== undefined && overrules(known, read)) heard.set',
  },
  {
    name: 'peers not deduplicated',
    file: HUB,
    right: 'return this.#elsewhere.delete(id)',
    wrong: 'return this.#elsewhere.get(id)',
  },
  {
    name: 'sessions heard elsewhere stay own',
    file: TABLE,
    right: 'this.#live.delete(id);\n      this.#left',
    wrong: 'this.#left',
  },
  {
    name: 'ages frozen between syncs',
    file: HUB,
    right: 'this.#elsewhere.expire(now - this.#timing.keepMs);',
    wrong: '',
  },
  {
    name: 'lease too short',
    file: CONFIG,
    right: 'ttlMs / 3) + arrivalMs',
    wrong: 'ttlMs / 3) + arrivalMs / 3',
  },
  {
    name: 'lease never ends',
    file: 'presence/location-summaries.ts',
    right: 'if (end <= now)',
    wrong: 'if (end < 0)',
  },
  {
    name: 'summary of own sessions only',
    file: HUB,
    right: 'addCounts(own.counts, this.#elsewhere.counts) }',
    wrong: 'own.counts }',
  },
  {
    name: 'rests without having said so',
    file: HUB,
    right: ' && this.#promisedRest(summary)',
    wrong: '',
  },
  {
    name: 'the rest of a writer is not believed',
    file: HUB,
    right: 'heardAt: lastSeen + restMs',
    wrong: 'heardAt: lastSeen',
  },
  {
    name: 'first sync not awaited',
    file: STORE,
    right: 'needed ? now + SYNC_WAIT_MAX_MS : now',
    wrong: 'needed ? now : now',
  },
  {
    name: 'backs off for minutes',
    file: STORE,
    right: 'Math.min(RETRY_MIN_MS * 2 ** this.#failures, this.#timing.syncIntervalMs)',
    wrong: 'Math.min(RETRY_MIN_MS * 2 ** this.#failures, 300_000)',
  },
  {
    name: 'a sync that hangs is waited for without end',
    file: STORE,
    right: 'if (now >= abandonAt)',
    wrong: 'if (now < 0 * abandonAt)',
  },
];

/** A run of the simulator on production modules one of which has a bug. */
export type ViolationsOf = (seed: number, minutes: number) => Promise<readonly string[]>;

/** Bundles the simulator with the bug in its production module, as it is loaded, and returns its run. */
export async function plant(bug: PlantedBug | undefined): Promise<ViolationsOf> {
  let planted = 0;
  const plugin: Plugin = {
    name: 'planted-bug',
    setup({ onLoad }) {
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (bug === undefined || !path.endsWith(`/src/${bug.file}`))
          return { contents: source, loader: 'ts' };
        planted = source.split(bug.right).length - 1;
        return { contents: source.replace(bug.right, bug.wrong), loader: 'ts' };
      });
    },
  };
  const outfile = `${process.cwd()}/dist/simulation/${(bug?.name ?? 'no bug').replace(/\W/g, '-')}.mjs`;
  await build({
    entryPoints: ['tests/simulation/violations-of.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    plugins: [plugin],
  });
  if (bug !== undefined && planted !== 1)
    throw new Error(`${bug.name}: found ${planted} places in ${bug.file}`);
  const { violationsOf } = (await import(/* @vite-ignore */ outfile)) as { violationsOf: ViolationsOf };
  return violationsOf;
}
