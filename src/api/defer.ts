import type { Context } from 'hono';
import type { Defer } from '../presence/sync-loop';

/** Returns `waitUntil` of this request. */
export function deferIn(c: Context): Defer {
  return (task) => {
    try {
      c.executionCtx.waitUntil(task);
    } catch {
      // `app.request` has no execution context. The task runs without one.
    }
  };
}
