import type { Context } from 'hono';
import type * as z from 'zod';
import { faultsOf, problem, type ValidationIssue } from './problems';
import type { Service } from './routes';
import type { ChannelNames, ChannelParam } from './schemas';

type Result<Schema extends z.ZodType> =
  | { readonly success: true; readonly data: z.output<Schema> }
  | { readonly success: false; readonly error: { readonly issues: readonly ValidationIssue[] } };

/** The hook of the validator of a name in the path. No answer repeats the name. */
export function refuseChannel(result: Result<typeof ChannelParam>, c: Context) {
  const { settings }: Service = c.get('service');
  const { channels } = settings;
  if (channels === undefined) return problem(c, 'no-channels');
  if (!result.success) return problem(c, 'invalid-channel', { errors: faultsOf(result.error.issues) });
  if (channels.allows(result.data.channel)) return undefined;
  return problem(c, 'unknown-channel', {
    errors: faultsOf([{ path: ['channel'], message: UNKNOWN_CHANNEL }]),
  });
}

/** The hook of the validator of several names. */
export function refuseChannels(result: Result<typeof ChannelNames>, c: Context) {
  const { settings }: Service = c.get('service');
  const { channels } = settings;
  if (channels === undefined) return problem(c, 'no-channels');
  if (!result.success) return problem(c, 'invalid-channel', { errors: faultsOf(result.error.issues) });
  const unknown = result.data.names.flatMap((name, index) =>
    channels.allows(name) ? [] : [{ path: ['names', index], message: UNKNOWN_CHANNEL }],
  );
  return unknown.length === 0 ? undefined : problem(c, 'unknown-channel', { errors: faultsOf(unknown) });
}

export const UNKNOWN_CHANNEL = 'is no channel of this service';
