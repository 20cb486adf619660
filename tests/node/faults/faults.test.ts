import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { withFault } from '../../../tools/faults/fault';
import { FAULTS } from '../../../tools/faults/faults';
import { bundledSimulator, complaintAbout } from '../../../tools/faults/notice';
import { OUR_HUBS } from '../../../tools/simulator/scenario';
import { HOSTILE_TABLE } from '../hostile/hostile-table';

/** Two faults of each hub, and four of guards. `npm run faults` plants all faults. */
const SMOKE = [
  'a merge keeps the older record',
  'a session that moves here is counted twice',
  'the room keeps the older record',
  'the room sends no change of mood to replicas',
  'the origin null passes',
  'every content type passes',
  'every text is a mood',
  'a socket may send bytes',
];

it.each(SMOKE)('a check notices the fault: %s', { timeout: 60_000 }, async (name) => {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`There is no fault '${name}'.`);
  expect(await complaintAbout(fault)).toBeDefined();
});

it.each(OUR_HUBS)(
  'the bundled simulator finds nothing without a fault: %s',
  { timeout: 60_000 },
  async (hub) => {
    const violations = await bundledSimulator();
    for (const seed of [1, 2, 5]) expect(await violations(hub, seed)).toEqual([]);
  },
);

it.each(FAULTS)('the fault matches one place: $name', async (fault) => {
  const source = await readFile(`src/${fault.file}`, 'utf8');
  expect(withFault(source, fault)).not.toBe(source);
});

it('each fault has its own name', () => {
  expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
});

it('each category that must notice a fault has rows in the hostile table', () => {
  const categories = new Set(HOSTILE_TABLE.map(({ category }) => category));
  const needed = FAULTS.flatMap(({ noticedBy }) => ('hostile' in noticedBy ? noticedBy.hostile : []));
  expect(needed.filter((category) => !categories.has(category))).toEqual([]);
});

const FAULT = {
  name: 'a session expires 1 ms late',
  file: 'table.ts',
  find: 'now - $AGE',
  put: 'now - $AGE - 1',
  noticedBy: { simulator: 'kv', seed: 1 },
} as const;

it('white space and line breaks of the source do not matter to a fault', () => {
  expect(withFault('const old = now\n  -   ttlMs;', FAULT)).toBe('const old = now - ttlMs - 1;');
});

it('a fault applies only within the method, function or constant that it names', () => {
  const source = 'class A { #a() { return now - a; } #b() { return now - b; } }';
  const planted = 'class A { #a() { return now - a; } #b() { return now - b - 1; } }';
  expect(withFault(source, { ...FAULT, within: '#b' })).toBe(planted);
});

it.each([
  ['no place', 'const old = then - ttlMs;', 0],
  ['two places', 'const old = now - ttlMs; const older = now - remoteTtlMs;', 2],
])(
  'a fault that matches %s throws an error with its file, its pattern and the number of places',
  (_, source, places) => {
    const message = `The pattern \`now - $AGE\` matches ${places} places in table.ts, and must match one.`;
    expect(() => withFault(source, FAULT)).toThrow(message);
  },
);
