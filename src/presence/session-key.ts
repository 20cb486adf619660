import * as z from 'zod/mini';
import { SessionId } from './session';

/** The channel of the paths without a name. It has no name, so another channel may have the name `default`. */
export const DEFAULT_CHANNEL = '';

const CHANNEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The name of a channel: 1 to 64 characters. Case matters. */
export const ChannelName = z.string().check(
  z.regex(CHANNEL_NAME, {
    error:
      'must have 1 to 64 letters, digits, dots, hyphens and underscores, and start with a letter or digit',
  }),
);

/** The length of a UUID. */
const ID_LENGTH = 36;

/**
 * The key of a session, in memory and in storage: its id in the default channel, `channel/id` in another one. So one browser can
 * be in several channels, and counts once in each.
 */
export function sessionKey(channel: string, id: string): string {
  return channel === DEFAULT_CHANNEL ? id : `${channel}/${id}`;
}

/** Returns the channel of a key from `sessionKey`. */
export function channelOf(key: string): string {
  return key.length === ID_LENGTH ? DEFAULT_CHANNEL : key.slice(0, -ID_LENGTH - 1);
}

/** Returns the id of a key from `sessionKey`. */
export function idOf(key: string): string {
  return key.slice(-ID_LENGTH);
}

/** Reads a stored key of any channel. Returns undefined for any other text. */
export function parseSessionKey(text: string): string | undefined {
  const slash = text.indexOf('/');
  if (slash === -1) return parseSessionId(text);
  const isKey = CHANNEL_NAME.test(text.slice(0, slash)) && WRITTEN_ID.test(text.slice(slash + 1));
  return isKey ? text : undefined;
}

/** Reads a stored id. Version 1.0 stored ids in several forms of a UUID. Returns undefined for any other text. */
export function parseSessionId(text: string): string | undefined {
  return WRITTEN_ID.test(text) ? text : SessionId.safeParse(text).data;
}

/** An id as this service writes it. The schema accepts other forms too, but its check takes 10 % of a sync's time. */
const WRITTEN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
