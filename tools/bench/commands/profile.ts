import { bundleForWorkerd } from '../../../tests/support/bundle';
import { givenOptions } from '../../options';
import { textTable } from '../../text-table';
import { cpuProfile, type ProfileParts } from '../cpu-profile';
import { type Asking, HEARTBEAT } from '../running-app';

// What the time of a request is made of, beside the references: `npm run bench -- profile`. Loads go to this machine alone.

const GET: Asking = { method: 'GET', path: '/api/presence' };
const APPS: readonly (readonly [string, string, Asking])[] = [
  ['bare Hono, GET', 'tools/bench/reference/bare', GET],
  ['GET /api/presence', 'src/index', GET],
  ['with the validator', 'tools/bench/reference/validated', HEARTBEAT],
  ['heartbeat', 'src/index', HEARTBEAT],
];
/** Parts of less than this are left out (µs). */
const LEAST = 0.3;

const given = givenOptions(
  'What the CPU time of a request is made of, by the profiler of V8 in workerd.',
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
  .filter((part) => part !== '(idle)' && profiles.some((profile) => (profile.get(part) ?? 0) >= LEAST))
  .sort((a, b) => (profiles.at(-1)?.get(b) ?? 0) - (profiles.at(-1)?.get(a) ?? 0));
const rows = parts.map((part) => [part, ...profiles.map((profile) => (profile.get(part) ?? 0).toFixed(1))]);
if (given['json'] === true)
  console.log(JSON.stringify(Object.fromEntries(rows.map(([part, ...all]) => [part, all]))));
else console.log(textTable([['µs of a request', ...APPS.map(([name]) => name)], ...rows]));
