import { buildSync } from 'esbuild';
import type { Presence, PresenceOptions } from '../../../src/client/presence';

/** The `presence.ts` of the client to test. */
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

let evaluate: ((...globals: unknown[]) => ClientModule) | undefined;

/** The exports of a client that has its own globals. */
export interface ClientModule {
  createPresence(options: PresenceOptions): Presence;
}

/** Evaluates the client with these globals. All calls must pass the same names in the same order. */
export function evaluateClient(globals: Readonly<Record<string, unknown>>): ClientModule {
  evaluate ??= new Function(...Object.keys(globals), `${bundle?.text}; return client;`) as () => ClientModule;
  return evaluate(...Object.values(globals));
}
