import { dollars } from '../../dollars';
import { markdownTable } from '../../markdown-table';
import { mean } from '../../mean';
import { percent } from '../../percent';
import { commandOf, Scenario, type ScenarioOptions } from '../scenario';
import type { SimulationResult } from '../simulate';
import { overSeeds, SEEDS } from './over-seeds';

export interface Row {
  readonly name: string;
  readonly options: ScenarioOptions;
}

/** The tables show no cents from this amount on. */
const WHOLE_DOLLARS_FROM = 10;

/** Returns the mean of a number over the seeds. */
export type Mean = (of: (result: SimulationResult) => number) => number;

/** Returns the table of these rows, and a command for each row. A row runs with every seed, and `cells` makes its cells. */
export async function tableOf(
  name: string,
  head: readonly string[],
  rows: readonly Row[],
  cells: (meanOf: Mean, all: readonly SimulationResult[]) => readonly string[],
): Promise<string> {
  const results = await overSeeds(
    name,
    rows.map(({ options }) => options),
  );
  const lines = rows.map((row, index) => {
    const all = results[index] ?? [];
    return [row.name, ...cells((of) => mean(all.map(of)), all)];
  });
  const commands = rows.map(
    (row) => `- ${row.name}: \`${commandOf(Scenario.parse({ ...row.options, seed: SEEDS[0] }))}\``,
  );
  return `${markdownTable(head, lines)}\n\n${commands.join('\n')}`;
}

export const accuracyCells = (meanOf: Mean) => [
  percent(meanOf((result) => result.biasPercent)),
  percent(meanOf((result) => result.meanErrorPercent)),
  percent(meanOf((result) => result.p99ErrorPercent)),
];
export const kvCells = (meanOf: Mean) => [
  meanOf((result) => result.kvPerSecond.reads).toFixed(2),
  meanOf((result) => result.kvPerSecond.writes).toFixed(2),
  meanOf((result) => result.kvPerSecond.lists).toFixed(2),
  meanOf((result) => result.kvPerSecond.refused).toFixed(2),
  dollars(
    meanOf((result) => result.hubDollarsAMonth),
    WHOLE_DOLLARS_FROM,
  ),
];
export const roomCells = (meanOf: Mean) => [
  meanOf((result) => result.roomPerSecond.calls).toFixed(2),
  meanOf((result) => result.roomPerSecond.rows).toFixed(2),
  dollars(
    meanOf((result) => result.hubDollarsAMonth),
    WHOLE_DOLLARS_FROM,
  ),
];
const ACCURACY_HEAD = ['crowd', 'bias', 'mean error', 'p99 error'];
export const KV_HEAD = [...ACCURACY_HEAD, 'reads/s', 'writes/s', 'lists/s', 'refused/s', 'KV, a month'];
export const ROOM_HEAD = [...ACCURACY_HEAD, 'calls/s', 'rows/s', 'room, a month'];
