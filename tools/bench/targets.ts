import type { ColdStart } from './cold-start';
import type { SyncCost } from './growth';
import { type Loads, ratioOf } from './http';

/** What is to be reached, as ratios within one run. */
export interface Target {
  readonly what: string;
  readonly ratio: number;
  readonly wanted: string;
  readonly isReached: boolean;
}

const HEARTBEAT = 'heartbeat, 1,000 sessions';
const GET = 'GET /api/presence';
const VALIDATED = 'bare Hono, POST with the validator';
const BARE = 'bare Hono, POST';

export function targetsOf(
  loads: Loads,
  growth: Loads,
  syncs: readonly SyncCost[],
  coldStart: ColdStart,
): readonly Target[] {
  return [
    atLeast(
      0.9,
      'speed of heartbeats ÷ bare Hono with the same validator',
      speedOf(loads, HEARTBEAT, VALIDATED),
    ),
    atLeast(0.8, 'speed of heartbeats ÷ bare Hono without validation', speedOf(loads, HEARTBEAT, BARE)),
    atMost(
      1.5,
      'their p99 ÷ its p99, with the same validator',
      ratioOf(loads, HEARTBEAT, VALIDATED, 'p99Ms'),
    ),
    atLeast(
      0.9,
      'speed of heartbeats, 100,000 sessions ÷ 100',
      speedOf(growth, 'heartbeat, 100,000 sessions', 'heartbeat, 100 sessions'),
    ),
    atLeast(
      25,
      'speed of heartbeats ÷ shared key, 1,000 sessions',
      speedOf(loads, HEARTBEAT, 'shared key, 1,000 sessions'),
    ),
    atLeast(
      200,
      'speed of heartbeats ÷ shared key, 10,000 sessions',
      speedOf(loads, 'heartbeat, 10,000 sessions', 'shared key, 10,000 sessions'),
    ),
    atLeast(
      0.9,
      'speed of GET /api/presence ÷ bare Hono GET',
      speedOf(loads, 'GET /api/presence', 'bare Hono, GET'),
    ),
    atLeast(
      0.95,
      'speed of heartbeats in a channel ÷ in the default channel, both with the room',
      speedOf(loads, 'heartbeat in a channel', 'heartbeat, with the room'),
    ),
    atMost(
      3,
      'CPU time of a sync of 10,000 sessions ÷ parsing and writing its JSON',
      syncs.find(({ sessions }) => sessions === 10_000)?.ratio ?? Number.NaN,
    ),
    atMost(1.5, 'cold start ÷ that of bare Hono', coldStart.ratio),
    notSlower('heartbeats', speedOf(loads, HEARTBEAT, `${HEARTBEAT}, version 1.0`)),
    notSlower('GET /api/presence', speedOf(loads, GET, `${GET}, version 1.0`)),
    notSlower(
      'a sync of 10,000 sessions',
      syncs.find(({ sessions }) => sessions === 10_000)?.speedRatio ?? Number.NaN,
    ),
  ];
}

/** A ratio of two references, and the same of other apps of these designs, on another machine. */
export interface ReferenceRatio {
  readonly what: string;
  readonly ratio: number;
  readonly elsewhere: number;
}

/** Shows that the references are no strawmen. */
export function referenceRatiosOf(loads: Loads): readonly ReferenceRatio[] {
  return [
    {
      what: 'POST into a Map ÷ GET',
      ratio: speedOf(loads, BARE, 'bare Hono, GET'),
      elsewhere: 11_300 / 16_600,
    },
    {
      what: 'with the validator ÷ without',
      ratio: speedOf(loads, VALIDATED, BARE),
      elsewhere: 10_700 / 11_300,
    },
    {
      what: 'shared key, 1,000 sessions ÷ with the validator',
      ratio: speedOf(loads, 'shared key, 1,000 sessions', VALIDATED),
      elsewhere: 382 / 10_700,
    },
    {
      what: 'shared key, 10,000 sessions ÷ 1,000',
      ratio: speedOf(loads, 'shared key, 10,000 sessions', 'shared key, 1,000 sessions'),
      elsewhere: 45 / 382,
    },
  ];
}

/** How many requests one serves in the CPU time in which the other serves one. */
const speedOf = (loads: Loads, name: string, other: string) =>
  1 / ratioOf(loads, name, other, 'cpuMicroseconds');

const atLeast = (least: number, what: string, ratio: number): Target => ({
  what,
  ratio,
  wanted: `≥ ${least}`,
  isReached: ratio >= least,
});
/** One run measures the same Worker twice with a difference of up to 3 %. */
const notSlower = (what: string, ratio: number) => atLeast(0.97, `speed of ${what} ÷ version 1.0`, ratio);
const atMost = (most: number, what: string, ratio: number): Target => ({
  what,
  ratio,
  wanted: `≤ ${most}`,
  isReached: ratio <= most,
});
