import * as Plot from '@observablehq/plot';
import type { Size } from '../cost/crowd-size';
import type { Ways } from '../cost/ways';
import { billAMonth } from '../prices';
import { usageOf } from '../usage';
import { COLOURS, drawSvg } from './plots';

const BEAT_SECONDS = 10;
const withCommas = (value: number) => value.toLocaleString('en');

/** Bills in dollars a month, with all items. */
interface Bills {
  readonly people: number;
  readonly sharedKey: number;
  readonly onKv: number;
  readonly inTheRoom: number;
  readonly sockets: number;
  /** Worker requests and their CPU time, without a hub. */
  readonly floor: number;
}

export function billsOf(size: Size, { kv, room, sockets }: Ways): Bills {
  const beats = size.people / BEAT_SECONDS;
  return {
    people: size.people,
    sharedKey: billAMonth(usageOf(beats, { reads: beats, writes: beats, lists: 0 })),
    onKv: billAMonth(kv.usage),
    inTheRoom: billAMonth(room.usage),
    sockets: billAMonth(sockets),
    floor: billAMonth(usageOf(beats)),
  };
}

/** Draws dollars a month over people, both logarithmic. */
export function drawCost(all: readonly Bills[]): string {
  const line = (y: keyof Bills, stroke: string, strokeDasharray = '') => [
    Plot.lineY(all, { x: 'people', y, stroke, strokeWidth: 2.5, strokeDasharray }),
    Plot.dot(all, { x: 'people', y, fill: stroke, r: 3.5 }),
  ];
  const name = (y: keyof Bills, text: string, fill: string, dy: number) =>
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
    marginTop: 34,
    x: { type: 'log', label: 'people, around the clock →' },
    y: { type: 'log', label: '↑ $ a month, the whole bill', grid: true },
    marks: [
      // By default a logarithmic scale leaves out labels that start with 5.
      Plot.axisX([5, 10, 20, 50, 100, 200, 500, 1_000, 3_000], { text: withCommas }),
      Plot.axisY([5, 10, 50, 100, 500, 1_000, 5_000], { text: withCommas }),
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
