import { markdownTable } from '../markdown-table';
import type { BundleParts } from './bundle-parts';
import type { ColdStart, ColdStarts } from './cold-start';
import type { CopyNoises } from './copy-noise';
import type { FirstSync } from './first-sync';
import type { SyncCost } from './growth';
import type { SocketFigures } from './live-sockets';
import type { Measured } from './loads';
import type { ReferenceRatio } from './reference-ratios';
import { firstSyncRows, noiseRows, number, type Rows, requestRows, short, targetRows } from './result-rows';
import type { RoomCost } from './room-cost';
import type { Target } from './targets';

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
  readonly noises: CopyNoises;
  readonly referenceRatios: readonly ReferenceRatio[];
  readonly syncs: readonly SyncCost[];
  readonly bytesPerSession: number;
  readonly coldStarts: ColdStarts;
  readonly firstSync: FirstSync;
  readonly rooms: readonly RoomCost[];
  readonly bundle: BundleParts;
  readonly sockets: SocketFigures;
}

const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
const table = ([head, ...rows]: Rows) => markdownTable(head, rows);

/** Returns the blocks of docs/performance.md, by name. */
export function performanceTables(
  performance: Performance,
): Readonly<Record<(typeof PERFORMANCE_BLOCKS)[number], string>> {
  const { http, growth, targets, noises, referenceRatios, syncs, firstSync } = performance;
  const { bytesPerSession, coldStarts, bundle, sockets } = performance;
  return {
    targets: `${table(targetRows(targets))}\n\n${table(noiseRows(noises))}`,
    requests: table(requestRows(http)),
    references: markdownTable(
      ['', 'here', 'there'],
      referenceRatios.map(({ what, ratio, elsewhere }) => [what, short(ratio), short(elsewhere)]),
    ),
    growth: table(requestRows(growth)),
    syncs: markdownTable(
      ['sessions', 'a sync', 'its JSON', 'ratio', 'a sync of 1.0', 'speed ÷ 1.0'],
      syncs.map(({ sessions, syncMs, jsonMs, ratio, version1Ms, speedRatio }) => [
        number(sessions),
        `${syncMs.toFixed(1)} ms`,
        `${jsonMs.toFixed(1)} ms`,
        short(ratio.median),
        `${version1Ms.toFixed(1)} ms`,
        short(speedRatio.median),
      ]),
    ),
    'cold-start': `${table(coldStartRows(coldStarts))}\n\n${table(firstSyncRows(firstSync))}`,
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

function coldStartRows({ ours, bareHono, bareWorkerd }: ColdStarts): Rows {
  const row = (what: string, of: keyof ColdStart) => [
    what,
    ...[ours, bareHono, bareWorkerd].map((start) => `${start[of].toFixed(1)} ms`),
  ];
  return [
    ['', 'this project', 'bare Hono', 'bare workerd'],
    row('from process start', 'fromProcessStartMs'),
    row('once workerd runs', 'firstAnswerMs'),
  ];
}
