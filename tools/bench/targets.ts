import type { BundleParts } from './bundle-parts';
import type { ColdStarts } from './cold-start';
import { copyNoises } from './copy-noise';
import type { FirstSync } from './first-sync';
import type { SyncCost } from './growth';
import { type Loads, p99Ratios, speedRatios } from './loads';
import { median } from './median';
import { type Figure, figureOf } from './noise';
import { NAMES } from './races';
import type { RoomCost } from './room-cost';

/** A figure and the limit that it should reach. */
export interface Target {
  readonly what: string;
  readonly wanted: { readonly is: '≥' | '≤'; readonly limit: number } | undefined;
  /** Empty for a ratio. */
  readonly unit: '' | 'ms' | 'µs' | 'KiB';
  readonly measured: Figure | undefined;
  readonly verdict: Verdict;
}

/** `cannot tell` means that the figure differs from the limit by less than its noise. */
type Verdict = 'reached' | 'missed' | 'cannot tell' | 'shown only' | 'left out';

/** The measurements that targets compare. */
interface Measurements {
  readonly requests: Loads;
  readonly growth: Loads;
  readonly syncs: readonly SyncCost[];
  readonly firstSync: FirstSync;
  readonly coldStarts: ColdStarts;
  readonly bundle: BundleParts;
  readonly rooms: readonly RoomCost[];
}

/** Two copies of one Worker differ by up to 3 % in one run. */
const NOT_SLOWER = 0.97;

export function targetsOf(measurements: Measurements): readonly Target[] {
  const { requests, growth, firstSync, coldStarts, bundle, rooms } = measurements;
  const noise = copyNoises(requests);
  const speed = (name: string, other: string) =>
    withNoise(speedRatios(requests, name, other), noise.speed.noise);
  const sync = measurements.syncs.find(({ sessions }) => sessions === 10_000);
  return [
    atLeast(
      0.95,
      'speed of heartbeats ÷ bare Hono with the same validator',
      speed(NAMES.heartbeat, NAMES.validated),
    ),
    atLeast(
      0.88,
      'speed of heartbeats ÷ bare Hono without validation',
      speed(NAMES.heartbeat, NAMES.honoPost),
    ),
    shown('speed of heartbeats ÷ bare workerd, POST', speed(NAMES.heartbeat, NAMES.workerdPost)),
    atLeast(0.97, 'speed of GET /api/presence ÷ bare Hono GET', speed(NAMES.get, NAMES.honoGet)),
    shown('speed of GET /api/presence ÷ bare workerd, GET', speed(NAMES.get, NAMES.workerdGet)),
    atMost(
      1.1,
      'p99 of heartbeats ÷ p99 of bare Hono with the same validator',
      withNoise(p99Ratios(requests, NAMES.heartbeat, NAMES.validated), noise.p99.noise),
    ),
    atLeast(
      0.95,
      'speed of heartbeats, 100,000 sessions ÷ 100',
      withOwnNoise(speedRatios(growth, NAMES.heartbeat100000, NAMES.heartbeat100)),
    ),
    atLeast(
      25,
      'speed of heartbeats ÷ shared key, 1,000 sessions',
      withOwnNoise(speedRatios(requests, NAMES.heartbeat, NAMES.sharedKey1000)),
    ),
    atLeast(
      200,
      'speed of heartbeats ÷ shared key, 10,000 sessions',
      withOwnNoise(speedRatios(requests, NAMES.heartbeat10000, NAMES.sharedKey10000)),
    ),
    atLeast(
      0.95,
      'speed of heartbeats in a channel ÷ in the default channel, both with the room',
      speed(NAMES.channel, NAMES.room),
    ),
    atMost(1.8, 'CPU time of a sync of 10,000 sessions ÷ parsing and writing its JSON', sync?.ratio),
    atMost(8, 'CPU time of the first sync of an isolate, 1,000 stored sessions', firstSync.stored, 'ms'),
    shown('CPU time of the first sync of an isolate, empty key', firstSync.empty, 'ms'),
    atMost(
      60,
      'time of a call to the room with 100 changes, 100,000 people',
      withOwnNoise(rooms.flatMap(callMicroseconds)),
      'µs',
    ),
    atMost(2.8, 'time of the first answer of a fresh isolate ÷ that of bare Hono', coldStarts.ratio),
    atMost(34, 'the bundle, minified and gzipped', { median: bundle.gzippedBytes / 1_024, noise: 0 }, 'KiB'),
    atLeast(NOT_SLOWER, 'speed of heartbeats ÷ version 1.0', speed(NAMES.heartbeat, NAMES.heartbeat1)),
    atLeast(NOT_SLOWER, 'speed of GET /api/presence ÷ version 1.0', speed(NAMES.get, NAMES.get1)),
    atLeast(NOT_SLOWER, 'speed of a sync of 10,000 sessions ÷ version 1.0', sync?.speedRatio),
  ];
}

/** Two rooms differ more than two calls to one room, so the noise is that of rooms. */
const callMicroseconds = ({ calls }: RoomCost): readonly number[] =>
  calls.filter(({ changes }) => changes === 100).map(({ microseconds }) => microseconds);

/** Returns the median of the ratios of rounds, or undefined if the bench left them out. */
const withNoise = (ratios: readonly number[], noise: number): Figure | undefined =>
  ratios.length === 0 ? undefined : { median: median(ratios), noise };

const withOwnNoise = (ratios: readonly number[]): Figure | undefined =>
  ratios.length === 0 ? undefined : figureOf(ratios);

const atLeast = (limit: number, what: string, measured: Figure | undefined, unit: Target['unit'] = '') =>
  target({ what, wanted: { is: '≥', limit }, unit, measured });

const atMost = (limit: number, what: string, measured: Figure | undefined, unit: Target['unit'] = '') =>
  target({ what, wanted: { is: '≤', limit }, unit, measured });

const shown = (what: string, measured: Figure | undefined, unit: Target['unit'] = '') =>
  target({ what, wanted: undefined, unit, measured });

const target = (facts: Omit<Target, 'verdict'>): Target => ({ ...facts, verdict: verdictOf(facts) });

function verdictOf({ wanted, measured }: Pick<Target, 'wanted' | 'measured'>): Verdict {
  if (measured === undefined) return 'left out';
  if (wanted === undefined) return 'shown only';
  const isKept = wanted.is === '≥' ? measured.median >= wanted.limit : measured.median <= wanted.limit;
  const isNear = Math.abs(measured.median - wanted.limit) < measured.noise * measured.median;
  if (isNear) return 'cannot tell';
  return isKept ? 'reached' : 'missed';
}
