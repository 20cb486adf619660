import { bundleForWorkerd } from '../../../tests/support/bundle';
import { givenOptions } from '../../options';
import { textTable } from '../../text-table';
import { cpuProfile, type ProfileParts } from '../cpu-profile';
import { type Asking, HEARTBEAT } from '../running-app';

// Profiles four requests, two of them to references: `npm run bench -- profile`. It sends loads to this machine only.

const GET: Asking = { method: 'GET', path: '/api/presence' };
const APPS: readonly (readonly [string, string, Asking])[] = [
  ['bare Hono, GET', 'tools/bench/reference/bare', GET],
  ['GET /api/presence', 'src/index', GET],
  ['with the validator', 'tools/bench/reference/validated', HEARTBEAT],
  ['heartbeat', 'src/index', HEARTBEAT],
];
/** The table leaves out smaller parts. */
const SHOWN_MICROSECONDS_MIN = 0.3;

const given = givenOptions(
  'Splits the CPU time of a request by package, with the profiler of V8 in workerd.',
  {},
  { json: 'Prints all figures, for programs.' },
);
const profiles: ProfileParts[] = [];
for (const [, entry, asking] of APPS) {
  const out = `dist/bench/profiled/${entry.replaceAll('/', '-')}.js`;
  await bundleForWorkerd(`${entry}.ts`, out, { minify: false });
  profiles.push(await cpuProfile(out, asking));
}
const parts = [...new Set(profiles.flatMap((profile) => [...profile.keys()]))]
  .filter(
    (part) =>
      part !== '(idle)' && profiles.some((profile) => (profile.get(part) ?? 0) >= SHOWN_MICROSECONDS_MIN),
  )
  .sort((a, b) => (profiles.at(-1)?.get(b) ?? 0) - (profiles.at(-1)?.get(a) ?? 0));
const rows = parts.map((part) => [part, ...profiles.map((profile) => (profile.get(part) ?? 0).toFixed(1))]);
if (given['json'] === true)
  console.log(JSON.stringify(Object.fromEntries(rows.map(([part, ...all]) => [part, all]))));
else console.log(textTable([['µs of a request', ...APPS.map(([name]) => name)], ...rows]));
