// Runs the real client in the tabs of a modelled browser, with a modelled service. Each world is a random list of actions.
//
// `TABS_WORLDS=5000 TABS_SEED=7` runs more worlds from another seed. `TABS_CLIENT=/tmp/client/presence.ts` tests another client.
// `TABS_WITHOUT='replace a client,crash a tab'` leaves actions out.
//
// The model finds these faults, which take one line each:
// - A page sends no second heartbeat after a return.
// - `isLast()` always returns true.
// - A leader ignores that another tab stole its lock.
// - No worker runs the timer of a hidden page.
// - A tab that closes does not hand its session over.
// - Two channels have the same lock, or the same leave.
// - A socket opens while an older visit replaces the id.
// - `others` follows the mood and not the data.

import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { actions, setups } from './actions';
import { FakeBrowser } from './fake-browser';
import { INVARIANTS, type Invariant } from './invariants';
import { runWorld, type World } from './run-world';

const WORLDS = Number(process.env['TABS_WORLDS'] ?? 250);
/** Not seed 1: its 250 worlds miss an `isLast()` that always returns true. */
const SEED = Number(process.env['TABS_SEED'] ?? 2);

const worlds = fc.record({ setup: setups, actions });
/** The violated invariants of each world. One run of a world checks all invariants. */
const violated = new Map<string, readonly Invariant[]>();

async function violatedIn(world: World): Promise<readonly Invariant[]> {
  const key = JSON.stringify(world);
  const known = violated.get(key);
  if (known !== undefined) return known;
  const { violations } = await runWorld(world);
  const names = violations.map(({ invariant }) => invariant);
  violated.set(key, names);
  return names;
}

it.each(INVARIANTS)('in every world, %s', { timeout: 60_000 + WORLDS * 100 }, async (invariant) => {
  const property = fc.asyncProperty(worlds, async (world) => {
    return !(await violatedIn(world)).includes(invariant);
  });
  const result = await fc.check(property, { seed: SEED, numRuns: WORLDS });
  const [world] = result.counterexample ?? [];
  expect(world === undefined ? '' : await explain(invariant, world)).toBe('');
});

const SETUP = { hasChannels: false, tabsAtStart: 1, hasWorkers: true, whenHidden: 'keep' } as const;
const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);

it.each([true, false])(
  'a tab that was frozen for longer than its visit causes no violation, with live sockets: %s',
  async (isLive) => {
    for (const seed of SEEDS) {
      const world: World = {
        setup: { ...SETUP, seed, isLive },
        actions: [
          { afterMs: 3_000, name: 'freeze a tab', random: 0 },
          { afterMs: 60_000, name: 'open a visible tab', random: 0 },
          { afterMs: 20_000, name: 'resume a visible tab', random: 0 },
        ],
      };
      expect(await violatedIn(world), `seed ${seed}`).toEqual([]);
    }
  },
);

it('20 tabs that open at the same moment send fewer than 600 messages to each other', {
  timeout: 20_000,
}, async () => {
  for (const seed of SEEDS.slice(0, 20)) {
    const browser = new FakeBrowser({ ...SETUP, seed, isLive: false });
    for (let tab = 0; tab < 20; tab += 1) browser.open('visible');
    await browser.clock.advance(2_000);
    expect(browser.messages, `seed ${seed}`).toBeLessThan(600);
  }
});

async function explain(invariant: Invariant, world: World): Promise<string> {
  const { log } = await runWorld(world);
  const end = log.findIndex((line) => line.includes(`VIOLATION: ${invariant}`));
  return [
    `${invariant}: seed ${SEED}, ${WORLDS} worlds`,
    JSON.stringify(world),
    ...log.slice(0, end + 1),
  ].join('\n');
}
