import { parseArgs } from 'node:util';
import { HUBS, optionName, Scenario } from './scenario';
import { type SimulationResult, simulate } from './simulate';

/** One run, or several hubs side by side: `npm run simulate -- --hub kv,shared-key --people 1000`. */

const options = Object.fromEntries(
  Object.keys(Scenario.shape).map((key) => [optionName(key), { type: 'string' as const }]),
);
const { values } = parseArgs({
  options: { ...options, json: { type: 'boolean' }, help: { type: 'boolean' } },
});
const { json, help, hub, ...given } = values;

if (help) {
  console.log(
    `Options: ${Object.keys(options)
      .map((name) => `--${name}`)
      .join(' ')} --json\n--hub: ${HUBS.join(', ')}, or several of them`,
  );
} else {
  const keys = Object.keys(Scenario.shape);
  const named = Object.fromEntries(
    keys.flatMap((key) => (optionName(key) in given ? [[key, given[optionName(key)]]] : [])),
  );
  const results: Record<string, SimulationResult> = {};
  for (const name of String(hub ?? 'kv').split(',')) {
    const parsed = Scenario.safeParse({ ...named, hub: name });
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues)
        console.error(`--${optionName(String(path[0]))}: ${message}`);
      process.exit(2);
    }
    results[name] = await simulate(parsed.data, { onMinute: progress(name) });
  }
  console.log(json ? JSON.stringify(results, null, 2) : table(results));
  const violations = Object.values(results).flatMap((result) => result.violations);
  for (const violation of violations) console.error(violation);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

function progress(name: string) {
  if (!process.stderr.isTTY) return () => undefined;
  return (minute: number, of: number) => {
    process.stderr.write(minute < of ? `\r${name}: minute ${minute} of ${of} ` : `\r${' '.repeat(60)}\r`);
  };
}

function table(results: Record<string, SimulationResult>): string {
  const percent = (value: number) => `${value.toFixed(2)} %`;
  const worst = (people: number, seconds: number) =>
    people === 0 ? 'none' : `${people}, ${seconds.toFixed(0)} s`;
  const rows: [string, (result: SimulationResult) => string][] = [
    ['answers', ({ answers }) => String(answers)],
    ['bias', ({ biasPercent }) => percent(biasPercent)],
    ['mean |error|', ({ meanErrorPercent }) => percent(meanErrorPercent)],
    ['p99 |error|', ({ p99ErrorPercent }) => percent(p99ErrorPercent)],
    ['most ghosts, gone for', ({ ghosts, ghostSeconds }) => worst(ghosts, ghostSeconds)],
    ['most missing, here for', ({ missing, missingSeconds }) => worst(missing, missingSeconds)],
    ['requests/s', ({ requestsPerSecond }) => requestsPerSecond.toFixed(2)],
    ['KV reads/s', ({ kvPerSecond }) => kvPerSecond.reads.toFixed(3)],
    ['KV writes/s', ({ kvPerSecond }) => kvPerSecond.writes.toFixed(3)],
    ['KV lists/s', ({ kvPerSecond }) => kvPerSecond.lists.toFixed(3)],
    ['KV refused/s', ({ kvPerSecond }) => kvPerSecond.refused.toFixed(3)],
    ['KV, $ a month', (result) => result.kvDollarsAMonth.toFixed(2)],
    ['whole bill, $ a month', (result) => result.billAMonth.toFixed(2)],
    ['failed requests', ({ failedRequests }) => String(failedRequests)],
    [
      'gathering shown in full after',
      ({ shownAfterSeconds }) => (shownAfterSeconds === undefined ? '' : `${shownAfterSeconds.toFixed(0)} s`),
    ],
    [
      'vanished crowd gone after',
      ({ goneAfterSeconds }) => (goneAfterSeconds === undefined ? '' : `${goneAfterSeconds.toFixed(0)} s`),
    ],
  ];
  const cells = [
    ['', ...Object.keys(results)],
    ...rows.map(([name, show]) => [name, ...Object.values(results).map(show)]),
  ].filter(([name, ...shown]) => name === '' || shown.some((text) => text !== ''));
  const widths = [0, ...Object.keys(results)].map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: string[]) =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart((widths[column] ?? 0) + 2),
      )
      .join('');
  return cells.map(line).join('\n');
}
