import * as Plot from '@observablehq/plot';
import { COLOURS, drawSvg } from '../simulator/figures/plots';
import type { Measured } from './loads';

const colourOf = ({ name }: Measured) => {
  if (name.startsWith('shared key')) return COLOURS.sharedKey;
  return name.startsWith('bare') ? COLOURS.truth : COLOURS.onKv;
};

/** Draws a bar for each contender: the requests that it serves in a second of CPU time. */
export function drawPerformance(http: readonly Measured[]): string {
  const inSecond = ({ cpuMicroseconds }: Measured) => Math.round(1e6 / cpuMicroseconds);
  return drawSvg('Requests in a second of CPU time, beside bare Hono and the shared key', {
    marginLeft: 300,
    marginRight: 60,
    marginBottom: 46,
    x: { label: 'requests in a second of CPU time →', grid: true },
    y: { label: null, domain: http.map(({ name }) => name), tickSize: 0 },
    marks: [
      Plot.barX(http, { x: inSecond, y: 'name', fill: colourOf, insetTop: 3, insetBottom: 3 }),
      Plot.text(http, {
        x: inSecond,
        y: 'name',
        text: (measured: Measured) => inSecond(measured).toLocaleString('en'),
        textAnchor: 'start',
        dx: 6,
        fill: COLOURS.text,
      }),
      Plot.ruleX([0], { stroke: COLOURS.text }),
    ],
  });
}
