import { markdownTable } from '../markdown-table';
import type { BundleParts } from './bundle-parts';
import type { ColdStart } from './cold-start';
import type { SyncCost } from './growth';
import type { Measured } from './http';
import type { SocketFigures } from './live-sockets';
import type { ReferenceRatio, Target } from './targets';

/** The blocks of docs/performance.md that `npm run bench` writes. */
export const PERFORMANCE_BLOCKS = [
  'targets',
  'requests',
  'references',
  'growth',
  'syncs',
  'cold-start',
  'sizes',
  'sockets',
] as const;

/** Everything that `npm run bench` measures. */
export interface Performance {
  readonly http: readonly Measured[];
  readonly growth: readonly Measured[];
  readonly targets: readonly Target[];
  readonly referenceRatios: readonly ReferenceRatio[];
  readonly syncs: readonly SyncCost[];
  readonly bytesPerSession: number;
  readonly coldStart: ColdStart;
  readonly bundle: BundleParts;
  readonly sockets: SocketFigures;
}

const number = (value: number) => value.toLocaleString('en');
const short = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(value < 0.1 ? 4 : 2));
const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;

const measuredTable = (measured: readonly Measured[]) =>
  markdownTable(
    ['', 'requests a second', 'CPU time of one', 'p99 at 50 connections'],
    measured.map(({ name, requestsPerSecond, cpuMicroseconds, p99Ms }) => [
      name,
      number(requestsPerSecond),
      `${cpuMicroseconds} µs`,
      `${p99Ms} ms`,
    ]),
  );

/** The blocks of docs/performance.md, by name. */
export function performanceTables(
  performance: Performance,
): Readonly<Record<(typeof PERFORMANCE_BLOCKS)[number], string>> {
  const { http, growth, targets, referenceRatios, syncs, bytesPerSession, coldStart, bundle, sockets } =
    performance;
  return {
    targets: markdownTable(
      ['ratio, in one run', 'to reach', 'measured', ''],
      targets.map(({ what, wanted, ratio, isReached }) => [
        what,
        wanted,
        short(ratio),
        isReached ? 'reached' : '**missed**',
      ]),
    ),
    requests: measuredTable(http),
    references: markdownTable(
      ['', 'here', 'there'],
      referenceRatios.map(({ what, ratio, elsewhere }) => [what, short(ratio), short(elsewhere)]),
    ),
    growth: measuredTable(growth),
    syncs: markdownTable(
      ['sessions', 'a sync', 'its JSON', 'ratio', 'a sync of 1.0', 'speed ÷ 1.0'],
      syncs.map(({ sessions, syncMs, jsonMs, ratio, version1Ms, speedRatio }) => [
        number(sessions),
        `${syncMs.toFixed(1)} ms`,
        `${jsonMs.toFixed(1)} ms`,
        short(ratio),
        `${version1Ms.toFixed(1)} ms`,
        short(speedRatio),
      ]),
    ),
    'cold-start': markdownTable(
      ['', 'this project', 'bare Hono'],
      [
        ['from process start', `${coldStart.oursMs.toFixed(0)} ms`, `${coldStart.bareMs.toFixed(0)} ms`],
        [
          'once workerd runs',
          `${coldStart.oursFirstAnswerMs.toFixed(1)} ms`,
          `${coldStart.bareFirstAnswerMs.toFixed(1)} ms`,
        ],
      ],
    ),
    sizes: markdownTable(
      ['', 'size'],
      [
        ['the bundle, minified and gzipped', kib(bundle.gzippedBytes)],
        ...Object.entries(bundle.minifiedBytes).map(([part, bytes]) => [
          `${part}, minified only`,
          kib(bytes),
        ]),
        ['a session in the memory of a replica', `${bytesPerSession} bytes`],
      ],
    ),
    sockets: markdownTable(
      ['sockets', 'a change reaches all, median', 'at worst', 'messages a second'],
      [
        [
          number(sockets.sockets),
          `${sockets.medianMsToAll} ms`,
          `${sockets.worstMsToAll} ms`,
          number(sockets.messagesPerSecond),
        ],
      ],
    ),
  };
}
