import type { Context } from 'hono';
import type * as z from 'zod/mini';
import { faultsOf, problem, type ValidationIssue } from './problems';
import type { ChannelNames, ChannelParam } from './request-schemas';
import type { Service } from './routes';

export const UNKNOWN_CHANNEL = 'must be a channel of this service';

type Result<Data> =
  | { readonly success: true; readonly data: Data }
  | { readonly success: false; readonly error: { readonly issues: readonly ValidationIssue[] } };

/** Validator hook: refuses a name in the path. */
export const refuseChannel = (result: Result<z.output<typeof ChannelParam>>, c: Context) =>
  refuse(result, c, ({ channel }) => [{ path: ['channel'], name: channel }]);

/** Validator hook: refuses a list of names if it refuses one of them. */
export const refuseChannels = (result: Result<z.output<typeof ChannelNames>>, c: Context) =>
  refuse(result, c, ({ names }) => names.map((name, index) => ({ path: ['names', index], name })));

/** Returns a problem that says which names are refused, and never repeats one. Returns undefined if all names are allowed. */
function refuse<Data>(
  result: Result<Data>,
  c: Context,
  namesIn: (data: Data) => readonly { readonly path: readonly PropertyKey[]; readonly name: string }[],
) {
  const { settings }: Service = c.get('service');
  const { channels } = settings;
  if (channels === undefined) return problem(c, 'no-channels');
  if (!result.success) return problem(c, 'invalid-channel', { errors: faultsOf(result.error.issues) });
  const unknown = namesIn(result.data).filter(({ name }) => !channels.allows(name));
  if (unknown.length === 0) return undefined;
  const issues = unknown.map(({ path }) => ({ path, message: UNKNOWN_CHANNEL }));
  return problem(c, 'unknown-channel', { errors: faultsOf(issues) });
}
