import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

// Colours of medium brightness, because light and dark pages show the pictures.
export const COLOURS = {
  truth: '#8b949e',
  onKv: '#1f9d8a',
  room: '#3b82d6',
  sharedKey: '#e0604d',
  floor: '#9a86e0',
  sockets: '#d29922',
  text: '#7f8791',
} as const;

/** Returns a plot as the text of an SVG file. */
export function drawSvg(title: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const style = {
    color: COLOURS.text,
    background: 'transparent',
    fontSize: '13px',
    fontFamily: 'sans-serif',
  };
  const svg = Plot.plot({ document, width: 860, height: 420, style, ...options } as Plot.PlotOptions);
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title);
  return `${svg.outerHTML.replaceAll('currentColor', COLOURS.text)}\n`;
}
