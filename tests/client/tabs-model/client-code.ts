import { buildSync } from 'esbuild';
import type { Presence, PresenceOptions } from '../../../src/client/presence';

/** Another client to test: a path to its `presence.ts`. */
const entry = process.env['TABS_CLIENT'] ?? 'src/client/presence.ts';

const [bundle] = buildSync({
  entryPoints: [entry],
  bundle: true,
  format: 'iife',
  globalName: 'client',
  target: 'es2022',
  write: false,
  logLevel: 'error',
}).outputFiles;

let evaluate: ((...globals: unknown[]) => Client) | undefined;

export interface Client {
  createPresence(options: PresenceOptions): Presence;
}

/** Evaluates the client with these globals. All calls must have the same names. */
export function evaluateClient(globals: Readonly<Record<string, unknown>>): Client {
  evaluate ??= new Function(...Object.keys(globals), `${bundle?.text}; return client;`) as () => Client;
  return evaluate(...Object.values(globals));
}
