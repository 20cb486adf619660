import * as Plot from '@observablehq/plot';
import { mean } from '../../mean';
import { optionName } from '../../options';
import { type HubKind, Scenario } from '../scenario';
import { simulate } from '../simulate';
import { COLOURS, drawSvg } from './plots';

/** A crowd gathers, sessions start and end, and all heartbeats stop at once. */
const SCENARIO = {
  people: 400,
  watchers: 20,
  locations: 10,
  gatherSeconds: 60,
  stayMinutes: 15,
  minutes: 20,
  goneMinutes: 6,
} as const;
const WINDOW_MINUTES = 1 / 6;

interface Point {
  readonly minutes: number;
  /** The mean over the window. */
  readonly count: number;
  /** The mean over the window. */
  readonly truth: number;
  /** The extremes of `count`. */
  readonly min: number;
  readonly max: number;
}

export const ACCURACY_COMMAND = `npm run simulate -- ${Object.entries(SCENARIO)
  .map(([key, value]) => `--${optionName(key)} ${value}`)
  .join(' ')}`;

/** Draws the true count over time, and the reported one with both hubs and with the shared key. */
export async function drawAccuracy(): Promise<string> {
  const onKv = await pointsOf('kv');
  const inTheRoom = await pointsOf('durable-object');
  const sharedKey = await pointsOf('shared-key');
  const last = (points: readonly Point[], at: number) =>
    points.filter(({ minutes }) => minutes <= at).slice(-1);
  const name = (points: readonly Point[], at: number, text: string, fill: string, dy: number) =>
    Plot.text(last(points, at), { x: 'minutes', y: 'count', text: () => text, fill, dy, fontWeight: 600 });
  return drawSvg('True and reported number of people over time', {
    marginBottom: 46,
    x: { label: 'minutes →', grid: false },
    y: { label: '↑ people', grid: true },
    marks: [
      Plot.areaY(onKv, { x: 'minutes', y1: 'min', y2: 'max', fill: COLOURS.onKv, fillOpacity: 0.2 }),
      Plot.lineY(onKv, {
        x: 'minutes',
        y: 'truth',
        stroke: COLOURS.truth,
        strokeWidth: 5,
        strokeOpacity: 0.55,
      }),
      Plot.lineY(onKv, { x: 'minutes', y: 'count', stroke: COLOURS.onKv, strokeWidth: 2 }),
      Plot.lineY(inTheRoom, { x: 'minutes', y: 'count', stroke: COLOURS.room, strokeWidth: 2 }),
      Plot.lineY(sharedKey, { x: 'minutes', y: 'count', stroke: COLOURS.sharedKey, strokeWidth: 2 }),
      name(onKv, 11, 'this project, on KV (band: all answers)', COLOURS.onKv, 46),
      name(inTheRoom, 11, 'this project, with the room: on the truth', COLOURS.room, 66),
      name(onKv, 11, 'the truth', COLOURS.truth, -34),
      name(sharedKey, 11, 'one shared KV key', COLOURS.sharedKey, -16),
    ],
  });
}

async function pointsOf(hub: HubKind): Promise<readonly Point[]> {
  const windows = new Map<number, { counts: number[]; truths: number[] }>();
  await simulate(Scenario.parse({ ...SCENARIO, hub }), {
    onAnswer: (minutes, count, truth) => {
      const index = Math.floor(minutes / WINDOW_MINUTES);
      const window = windows.get(index) ?? { counts: [], truths: [] };
      window.counts.push(count);
      window.truths.push(truth);
      windows.set(index, window);
    },
  });
  return [...windows].map(([index, { counts, truths }]) => ({
    minutes: (index + 0.5) * WINDOW_MINUTES,
    count: mean(counts),
    truth: mean(truths),
    min: Math.min(...counts),
    max: Math.max(...counts),
  }));
}
