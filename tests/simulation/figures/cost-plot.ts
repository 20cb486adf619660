import * as Plot from '@observablehq/plot';
import { progress } from '../../progress';
import { billAMonth, socketsBillAMonth } from '../prices';
import { runAll } from '../run-all';
import { OUR_HUBS, Scenario } from '../scenario';
import type { SimulationResult } from '../simulate';
import { COLOURS, drawSvg } from './plots';

/** Crowds of any size, in as many locations and isolates as such crowds have. */
const SIZES = [
  { people: 5, locations: 1, isolates: 1 },
  { people: 20, locations: 2, isolates: 1 },
  { people: 100, locations: 5, isolates: 2 },
  { people: 300, locations: 10, isolates: 2 },
  { people: 1_000, locations: 10, isolates: 3 },
  { people: 3_000, locations: 30, isolates: 4 },
] as const;
const BEAT_SECONDS = 10;
const withCommas = (value: number) => value.toLocaleString('en');
const NO_KV = { reads: 0, writes: 0, lists: 0 };

export interface Cost {
  readonly people: number;
  readonly locations: number;
  readonly isolates: number;
  /** The whole bill in dollars a month: Workers' requests, the hub, the plan; and the hub alone at its list price. */
  readonly onKv: number;
  readonly kv: number;
  readonly inTheRoom: number;
  readonly room: number;
  readonly floor: number;
  readonly sharedKey: number;
  readonly sockets: number;
}

export async function costs(): Promise<readonly Cost[]> {
  const scenarios = OUR_HUBS.flatMap((hub) =>
    SIZES.map((size) => Scenario.parse({ ...size, hub, minutes: size.people > 1_000 ? 5 : 20 })),
  );
  const results = await runAll(scenarios, (_result, done) => progress('costs', done, scenarios.length));
  return SIZES.map((size, index) => {
    const [kv, room] = [results[index], results[index + SIZES.length]] as [
      SimulationResult,
      SimulationResult,
    ];
    const beats = size.people / BEAT_SECONDS;
    return {
      ...size,
      onKv: kv.billAMonth,
      kv: kv.hubDollarsAMonth,
      inTheRoom: room.billAMonth,
      room: room.hubDollarsAMonth,
      floor: billAMonth(beats, NO_KV),
      sharedKey: billAMonth(beats, { reads: beats, writes: beats, lists: 0 }),
      sockets: socketsBillAMonth(size.people, 30),
    };
  });
}

/** Dollars a month over people, both logarithmic. */
export function drawCost(all: readonly Cost[]): string {
  const line = (y: keyof Cost, stroke: string, strokeDasharray = '') => [
    Plot.lineY(all, { x: 'people', y, stroke, strokeWidth: 2.5, strokeDasharray }),
    Plot.dot(all, { x: 'people', y, fill: stroke, r: 3.5 }),
  ];
  const name = (y: keyof Cost, text: string, fill: string, dy: number) =>
    Plot.text(all.slice(-2, -1), {
      x: 'people',
      y,
      text: () => text,
      fill,
      dy,
      textAnchor: 'end',
      dx: -10,
      fontWeight: 600,
    });
  return drawSvg('Dollars a month over people', {
    marginLeft: 60,
    marginBottom: 46,
    x: {
      type: 'log',
      label: 'people, around the clock →',
      ticks: [5, 10, 20, 50, 100, 200, 500, 1_000, 3_000],
      tickFormat: withCommas,
    },
    y: {
      type: 'log',
      label: '↑ $ a month, the whole bill',
      grid: true,
      ticks: [5, 10, 50, 100, 500, 1_000, 5_000],
      tickFormat: withCommas,
    },
    marks: [
      ...line('sharedKey', COLOURS.sharedKey),
      ...line('floor', COLOURS.floor, '2 4'),
      ...line('onKv', COLOURS.onKv),
      ...line('inTheRoom', COLOURS.room),
      ...line('sockets', COLOURS.sockets),
      name('sharedKey', 'one shared KV key, if it worked', COLOURS.sharedKey, -10),
      name('onKv', 'this project, on KV', COLOURS.onKv, -22),
      name('inTheRoom', 'the room, by HTTP', COLOURS.room, 84),
      name('floor', 'Worker requests alone', COLOURS.floor, 106),
      name('sockets', 'the room, live sockets', COLOURS.sockets, -12),
    ],
  });
}
