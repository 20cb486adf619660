/** What makes counts wrong, or disables a limit, the most severe first. docs/operate.md explains each one. */
export const TROUBLES = [
  'no-hub',
  'many-replicas',
  'sync-failed',
  'list-failed',
  'too-many-sessions',
  'too-many-channels',
  'no-limiter',
  'limiter-failed',
] as const;
export type Trouble = (typeof TROUBLES)[number];
