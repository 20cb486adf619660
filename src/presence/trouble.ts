/**
 * What makes numbers wrong, or a limit useless, the worst first:
 *
 * - `no-hub`: the hub's binding is missing. Each isolate counts its own sessions only.
 * - `many-replicas`: the app gets other bindings with each request, so each request has a replica of its own.
 * - `sync-failed`: the last sync failed. Sessions of other isolates count as of the sync before it.
 * - `list-failed`: the other locations could not be listed on KV, so they count as of the listing before it.
 * - `too-many-sessions`: the isolate or the room holds as many sessions as it can, so some are not counted.
 * - `no-limiter`: new sessions are to be limited, and the binding NEW_SESSIONS is missing.
 * - `limiter-failed`: the limiter failed when it was last asked, so new sessions passed.
 */
export const TROUBLES = [
  'no-hub',
  'many-replicas',
  'sync-failed',
  'list-failed',
  'too-many-sessions',
  'no-limiter',
  'limiter-failed',
] as const;
export type Trouble = (typeof TROUBLES)[number];
