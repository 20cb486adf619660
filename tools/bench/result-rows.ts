import { percent } from '../percent';
import type { CopyNoises } from './copy-noise';
import type { FirstSync } from './first-sync';
import type { Measured } from './loads';
import type { Figure } from './noise';
import type { Target } from './targets';

/** A table: its head, and then its rows. */
export type Rows = readonly [readonly string[], ...(readonly string[])[]];

export const number = (value: number) => value.toLocaleString('en');
export const short = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(value < 0.1 ? 4 : 2));
const plusMinus = (noise: number) => `± ${percent(noise * 100, 1)}`;

export const requestRows = (measured: readonly Measured[]): Rows => [
  ['', 'requests a second', 'CPU time of one', 'p99 at 50 connections'],
  ...measured.map(({ name, requestsPerSecond, cpuMicroseconds, p99Ms }) => [
    name,
    number(requestsPerSecond),
    `${cpuMicroseconds} µs`,
    `${p99Ms} ms`,
  ]),
];

export const targetRows = (targets: readonly Target[]): Rows => [
  ['in one run', 'to reach', 'measured', 'noise', 'verdict'],
  ...targets.map(({ what, wanted, unit, measured, verdict }) => [
    what,
    wanted === undefined ? '' : `${wanted.is} ${wanted.limit} ${unit}`.trim(),
    measured === undefined
      ? ''
      : `${unit === '' ? short(measured.median) : measured.median.toFixed(1)} ${unit}`.trim(),
    measured === undefined ? '' : plusMinus(measured.noise),
    verdict,
  ]),
];

export const noiseRows = ({ speed, p99 }: CopyNoises): Rows => [
  ['a copy of bare Hono with the validator ÷ the original', 'by round', 'noise'],
  ...[
    { what: 'speed', ...speed },
    { what: 'p99', ...p99 },
  ].map(({ what, ratios, noise }) => [
    what,
    ratios.map((ratio) => ratio.toFixed(2)).join(' '),
    plusMinus(noise),
  ]),
];

export const firstSyncRows = ({ sessions, stored, empty, storedOf1, emptyOf1 }: FirstSync): Rows => [
  ['CPU time of the first sync', 'this version', 'version 1.0'],
  [`${number(sessions)} stored sessions`, milliseconds(stored), milliseconds(storedOf1)],
  ['an empty key', milliseconds(empty), milliseconds(emptyOf1)],
];

const milliseconds = ({ median, noise }: Figure) => `${median.toFixed(1)} ms ${plusMinus(noise)}`;
