import * as Plot from '@observablehq/plot';
import { COLOURS, drawSvg } from '../simulation/figures/plots';
import type { Measured } from './http';

const colourOf = ({ name }: Measured) => {
  if (name.startsWith('shared key')) return COLOURS.sharedKey;
  return name.startsWith('bare') ? COLOURS.truth : COLOURS.onKv;
};

/** Requests a second, a bar each. */
export function drawPerformance(http: readonly Measured[]): string {
  return drawSvg('Requests a second on one core, beside bare Hono and the shared key', {
    marginLeft: 250,
    marginRight: 60,
    marginBottom: 46,
    x: { label: 'requests a second on one core →', grid: true },
    y: { label: null, domain: http.map(({ name }) => name), tickSize: 0 },
    marks: [
      Plot.barX(http, { x: 'requestsPerSecond', y: 'name', fill: colourOf, insetTop: 3, insetBottom: 3 }),
      Plot.text(http, {
        x: 'requestsPerSecond',
        y: 'name',
        text: ({ requestsPerSecond }: Measured) => requestsPerSecond.toLocaleString('en'),
        textAnchor: 'start',
        dx: 6,
        fill: COLOURS.text,
      }),
      Plot.ruleX([0], { stroke: COLOURS.text }),
    ],
  });
}
