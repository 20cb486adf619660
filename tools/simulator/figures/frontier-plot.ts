import * as Plot from '@observablehq/plot';
import { mean } from '../../mean';
import { OUR_HUBS, type OurHub, type ScenarioOptions } from '../scenario';
import { overSeeds } from './over-seeds';
import { COLOURS, drawSvg } from './plots';

const CROWDS: readonly { readonly name: string; readonly options: ScenarioOptions }[] = [
  { name: '100 people in 10 locations', options: { people: 100, locations: 10, isolates: 1, minutes: 40 } },
  { name: '1,000 in 10 × 3 isolates', options: { people: 1_000, locations: 10, isolates: 3, minutes: 8 } },
];
/** Sync intervals in seconds. */
const INTERVALS: Readonly<Record<OurHub, readonly number[]>> = {
  kv: [5, 10, 20, 30, 60],
  'durable-object': [1, 2, 5],
};

interface Point {
  readonly crowd: string;
  readonly hub: OurHub;
  readonly interval: number;
  readonly dollars: number;
  readonly error: number;
}

/** Draws the mean error over dollars a month, for both hubs with several sync intervals. */
export async function drawFrontier(): Promise<string> {
  const points = await simulatePoints();
  const marks = CROWDS.flatMap(({ name }, index) =>
    OUR_HUBS.flatMap((hub) => {
      const line = points.filter((point) => point.crowd === name && point.hub === hub);
      const stroke = hub === 'kv' ? COLOURS.onKv : COLOURS.room;
      const way = hub === 'kv' ? 'on KV' : 'with the room';
      return [
        Plot.line(line, {
          x: 'dollars',
          y: 'error',
          stroke,
          strokeWidth: 2.5,
          strokeDasharray: index === 0 ? '' : '5 4',
        }),
        Plot.dot(line, { x: 'dollars', y: 'error', fill: stroke, r: 4 }),
        Plot.text(line, { x: 'dollars', y: 'error', text: (point: Point) => `${point.interval} s`, dy: -12 }),
        // The name stands above the longest interval on KV, and below the shortest one with the room.
        Plot.text(hub === 'kv' ? line.slice(-1) : line.slice(0, 1), {
          x: 'dollars',
          y: 'error',
          text: () => `${name}, ${way}`,
          fill: stroke,
          fontWeight: 600,
          dy: hub === 'kv' ? -30 : 18 + 16 * index,
          textAnchor: 'start',
          dx: -12,
        }),
      ];
    }),
  );
  return drawSvg('Mean error over dollars a month, by the sync interval', {
    marginLeft: 60,
    marginBottom: 46,
    marginTop: 34,
    x: { type: 'log', label: '$ a month for KV or the room, at the list price →', domain: [3, 60] },
    y: { type: 'log', label: '↑ mean error, %', grid: true, domain: [0.03, 5] },
    marks: [
      Plot.axisX([3, 5, 10, 20, 50], { text: String }),
      Plot.axisY([0.05, 0.1, 0.2, 0.5, 1, 2, 5], { text: String }),
      ...marks,
    ],
  });
}

async function simulatePoints(): Promise<readonly Point[]> {
  const variants = CROWDS.flatMap(({ name, options }) =>
    OUR_HUBS.flatMap((hub) => INTERVALS[hub].map((interval) => ({ crowd: name, hub, interval, options }))),
  );
  const results = await overSeeds(
    'frontier',
    variants.map(({ hub, interval, options }) => ({ ...options, hub, intervalSeconds: interval })),
  );
  return variants.map(({ crowd, hub, interval }, index) => {
    const all = results[index] ?? [];
    return {
      crowd,
      hub,
      interval,
      dollars: mean(all.map((result) => result.hubDollarsAMonth)),
      error: mean(all.map((result) => result.meanErrorPercent)),
    };
  });
}
