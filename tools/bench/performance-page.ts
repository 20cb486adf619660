import { markdownTable } from '../markdown-table';
import type { BundleParts } from './bundle-parts';
import type { ColdStart } from './cold-start';
import type { SyncCost } from './growth';
import type { Measured } from './http';
import type { SocketFigures } from './live-sockets';
import type { ReferenceRatio, Target } from './targets';

/** Everything that `npm run bench` measures. */
export interface Performance {
  readonly http: readonly Measured[];
  readonly growth: readonly Measured[];
  readonly targets: readonly Target[];
  readonly referenceRatios: readonly ReferenceRatio[];
  readonly syncs: readonly SyncCost[];
  readonly bytesPerSession: number;
  readonly coldStart: ColdStart;
  readonly bundle: BundleParts;
  readonly sockets: SocketFigures;
}

const number = (value: number) => value.toLocaleString('en');
const short = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(value < 0.1 ? 4 : 2));
const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;

const measuredTable = (measured: readonly Measured[]) =>
  markdownTable(
    ['', 'requests a second', 'CPU time of one', 'p99 at 50 connections'],
    measured.map(({ name, requestsPerSecond, cpuMicroseconds, p99Ms }) => [
      name,
      number(requestsPerSecond),
      `${cpuMicroseconds} µs`,
      `${p99Ms} ms`,
    ]),
  );

export function performancePage(performance: Performance): string {
  const { http, growth, targets, referenceRatios, syncs, bytesPerSession, coldStart, bundle, sockets } =
    performance;
  const minified = Object.entries(bundle.minifiedBytes);
  return `<!-- Written by \`npm run bench\`: change tests/bench/, not this file. -->
# How fast it is

A heartbeat is to cost what Hono and the validator cost. These figures come from one run of \`npm run bench\` on a small
machine of 2 cores: the bundle that is deployed, in workerd, with a socket straight into each app and autocannon at 50 connections. The apps
share one workerd, which is started anew for each round, since of the same app one takes a fifth more time than another for as long as it
lives; in it they take turns of 2 seconds, forwards and backwards. The crowd of 10,000 and the shared keys have a workerd each, and longer turns;
with fewer neighbours a heartbeat takes somewhat less, as it also does under [Growth](#growth). What is shown are medians, and ratios are medians of the ratios within a
turn. The load generator has a core to itself and is still slower than bare Hono, so ratios are of the CPU time that workerd takes for
a request. Only they carry over to other machines. Nothing here was measured at Cloudflare.

![Requests in a second of CPU time, ours beside bare Hono and the shared key](performance.svg)

## What was to be reached

${markdownTable(
  ['ratio, in one run', 'to reach', 'measured', ''],
  targets.map(({ what, wanted, ratio, isReached }) => [
    what,
    wanted,
    short(ratio),
    isReached ? 'reached' : '**missed**',
  ]),
)}

${NOTES}

## Requests

${measuredTable(http)}

*Bare Hono* answers with the same shape, from a Map; *with the validator* it has our schema. *Shared key* is the design that this
project replaces: one KV key with all sessions, read, changed and written by every heartbeat. All of them are in \`tests/bench/reference/\`.
SESSION_TTL_SECONDS is 600, so that the crowd lives as long as the run. The speeds of the references beside each
other, and what other apps of these designs showed on another machine, in requests a second:

${markdownTable(
  ['', 'here', 'there'],
  referenceRatios.map(({ what, ratio, elsewhere }) => [what, short(ratio), short(elsewhere)]),
)}

## Growth

In turns of 10 seconds, a sync interval, in one workerd.

${measuredTable(growth)}

A sync of one location, half of its sessions heard by this isolate, in Node with a KV that takes no time; and what \`JSON.parse\` and
\`JSON.stringify\` take for the stored value alone:

${markdownTable(
  ['sessions', 'a sync', 'its JSON', 'ratio'],
  syncs.map(({ sessions, syncMs, jsonMs, ratio }) => [
    number(sessions),
    `${syncMs.toFixed(1)} ms`,
    `${jsonMs.toFixed(1)} ms`,
    short(ratio),
  ]),
)}

A session that a replica hears takes ${bytesPerSession} bytes of its memory. That a heartbeat touches memory only, whatever the
crowd, is tested by counting, not by time: \`tests/workerd/api/flood.test.ts\`.

## Cold start and bundle

From nothing to the first answer of \`GET /api/presence\`, which waits for the first sync with KV: ${coldStart.oursMs.toFixed(0)} ms, bare Hono ${coldStart.bareMs.toFixed(0)} ms, most of
it workerd's own start. The first answer alone, once workerd is up: ${coldStart.oursFirstAnswerMs.toFixed(1)} ms and ${coldStart.bareFirstAnswerMs.toFixed(1)} ms.

The bundle is ${kib(bundle.gzippedBytes)} gzipped. Before gzip, minified: ${minified.map(([part, bytes]) => `${part} ${kib(bytes)}`).join(', ')}.

## Live sockets

${number(sockets.sockets)} sockets in one room, clients on the same machine: a change reaches all of them after ${sockets.medianMsToAll} ms (median of seven; at worst
${sockets.worstMsToAll}), or up to a second later if another one was told just before. When all of them send at once the room takes in
${number(sockets.messagesPerSecond)} messages a second. More of them: \`npm run bench:sockets -- --sockets 10000\`, and [scale.md](scale.md).
`;
}

/** What was changed because of a profile, and what is left. */
const NOTES = `Before it was profiled a heartbeat took 2.2 times as long as bare Hono with the validator. Little of that was presence: its body was read
chunk by chunk and made into a new \`Request\` to change its type, which is what most heartbeats of browsers need (text/plain spares them a
preflight), and headers were set one by one on a \`Response\` that was then made anew. Now a body that declares a short length is read as one
text, Hono's request presents it as JSON, and the headers of every answer are one \`Headers\` object, made once, which a \`Response\` copies in
native code. What the profile showed then were small things, each some hundredths of a heartbeat: every look at a header of the request,
the clock, and every layer more that is async. What is left above the validator is the limit for bodies, three headers more, and the replica itself.

A sync took 3.6 times as long as its JSON. What makes stored text fit to be believed is a schema for each entry; ids as this service
writes them are now told by an expression. The rest is the merge and the new order.

Three runs before this one, of the same day, gave 0.89 to 0.93 for the first ratio, 0.74 to 0.83 for the second, 0.80 to 0.98 for the crowd of 100,000,
189 to 242 for the shared key with 10,000, 0.91 to 0.94 for GET and 2.86 to 3.02 for the sync: what is that near to its target one run cannot tell for sure.`;
