import { markdownTable } from '../../markdown-table';
import { commandOf, Scenario, type ScenarioOptions } from '../scenario';
import type { SimulationResult } from '../simulate';
import { overSeeds, SEEDS } from './over-seeds';

export interface Row {
  readonly name: string;
  readonly options: ScenarioOptions;
}

/** Returns the mean of a number over the seeds. */
export type Mean = (of: (result: SimulationResult) => number) => number;

export const percent = (value: number) => `${value.toFixed(2)} %`;
const dollars = (value: number) => `$${value.toFixed(value < 10 ? 2 : 0)}`;

/** Returns the table of these rows, and a command for each row. A row runs with every seed, and `cells` makes its cells. */
export async function tableOf(
  name: string,
  head: readonly string[],
  rows: readonly Row[],
  cells: (mean: Mean, all: readonly SimulationResult[]) => readonly string[],
): Promise<string> {
  const results = await overSeeds(
    name,
    rows.map(({ options }) => options),
  );
  const lines = rows.map((row, index) => {
    const all = results[index] ?? [];
    const mean: Mean = (of) => all.reduce((sum, result) => sum + of(result), 0) / all.length;
    return [row.name, ...cells(mean, all)];
  });
  const commands = rows.map(
    (row) => `- ${row.name}: \`${commandOf(Scenario.parse({ ...row.options, seed: SEEDS[0] }))}\``,
  );
  return `${markdownTable(head, lines)}\n\n${commands.join('\n')}`;
}

export const accuracyCells = (mean: Mean) => [
  percent(mean((result) => result.biasPercent)),
  percent(mean((result) => result.meanErrorPercent)),
  percent(mean((result) => result.p99ErrorPercent)),
];
export const kvCells = (mean: Mean) => [
  mean((result) => result.kvPerSecond.reads).toFixed(2),
  mean((result) => result.kvPerSecond.writes).toFixed(2),
  mean((result) => result.kvPerSecond.lists).toFixed(2),
  mean((result) => result.kvPerSecond.refused).toFixed(2),
  dollars(mean((result) => result.hubDollarsAMonth)),
];
export const roomCells = (mean: Mean) => [
  mean((result) => result.roomPerSecond.calls).toFixed(2),
  mean((result) => result.roomPerSecond.rows).toFixed(2),
  dollars(mean((result) => result.hubDollarsAMonth)),
];
export const ACCURACY_HEAD = ['crowd', 'bias', 'mean error', 'p99 error'];
export const KV_HEAD = [...ACCURACY_HEAD, 'reads/s', 'writes/s', 'lists/s', 'refused/s', 'KV, a month'];
export const ROOM_HEAD = [...ACCURACY_HEAD, 'calls/s', 'rows/s', 'room, a month'];
