import { givenOptions, parseOptions } from '../../options';
import { percent } from '../../percent';
import { textTable } from '../../text-table';
import { HUBS, Scenario } from '../scenario';
import { type SimulationResult, simulate } from '../simulate';

// Runs one world, or the same world with several hubs: `npm run simulate -- --hub kv,shared-key --people 1000`.

const ABOUT = `Simulates a crowd, and measures the error of its count and the cost of its hub. --hub takes ${HUBS.join(', ')}, or several of them with commas.`;

const given = givenOptions(ABOUT, Scenario.shape, { json: 'Prints all figures, for programs.' });
const results: Record<string, SimulationResult> = {};
for (const hub of String(given['hub'] ?? 'kv').split(',')) {
  results[hub] = await simulate(parseOptions(Scenario, { ...given, hub }), { onMinute: progressOf(hub) });
}
console.log(given['json'] === true ? JSON.stringify(results, null, 2) : tableOf(results));
const violations = Object.values(results).flatMap((result) => result.violations);
for (const violation of violations) console.error(violation);
if (violations.length > 0) process.exitCode = 1;

function progressOf(hub: string): (minute: number, of: number) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return (minute, of) => {
    process.stderr.write(minute < of ? `\r${hub}: minute ${minute} of ${of} ` : `\r${' '.repeat(60)}\r`);
  };
}

function tableOf(results: Record<string, SimulationResult>): string {
  const rate = (value: number) => value.toFixed(3);
  const worst = (people: number, seconds: number) =>
    people === 0 ? 'none' : `${people}, ${seconds.toFixed(0)} s`;
  const seconds = (value: number | undefined) => (value === undefined ? '-' : `${value} s`);
  const rows: readonly [string, (result: SimulationResult) => string][] = [
    ['answers', (result) => String(result.answers)],
    ['bias', (result) => percent(result.biasPercent)],
    ['mean |error|', (result) => percent(result.meanErrorPercent)],
    ['p99 |error|', (result) => percent(result.p99ErrorPercent)],
    ['most too many, ended since', (result) => worst(result.tooMany, result.tooManySeconds)],
    ['most missing, present since', (result) => worst(result.missing, result.missingSeconds)],
    ['requests/s', (result) => rate(result.requestsPerSecond)],
    ['failed requests', (result) => String(result.failedRequests)],
    ['KV reads/s', (result) => rate(result.kvPerSecond.reads)],
    ['KV writes/s', (result) => rate(result.kvPerSecond.writes)],
    ['KV lists/s', (result) => rate(result.kvPerSecond.lists)],
    ['KV writes refused/s', (result) => rate(result.kvPerSecond.refused)],
    ['room calls/s', (result) => rate(result.roomPerSecond.calls)],
    ['room rows/s', (result) => rate(result.roomPerSecond.rows)],
    ['hub, $ a month', (result) => result.hubDollarsAMonth.toFixed(2)],
    ['whole bill, $ a month', (result) => result.billAMonth.toFixed(2)],
    ['crowd shown after', (result) => seconds(result.shownAfterSeconds)],
    ['crowd gone after', (result) => seconds(result.goneAfterSeconds)],
  ];
  const all = Object.values(results);
  return textTable([['', ...Object.keys(results)], ...rows.map(([name, show]) => [name, ...all.map(show)])]);
}
