import * as z from 'zod/mini';
import { Mood, SessionId } from '../session';
import { ChannelName, channelOf, DEFAULT_CHANNEL, idOf, sessionKey } from '../session-key';
import type { SocketPort } from './socket-port';

/** The session of a socket that joined. */
export interface SocketSession {
  readonly key: string;
  readonly mood: Mood;
  /** When the last message of this socket arrived (ms). */
  readonly lastMessageAt: number;
  /** The `lastSeen` that the room recorded for this socket (ms). A later one is from an HTTP heartbeat. */
  readonly recordedAt: number;
}

/** The keys are those of version 1.0: `heardAt` is `lastMessageAt`, and `notedAt` is `recordedAt`. */
const StoredSession = z.object({
  sessionId: SessionId,
  mood: Mood,
  heardAt: z.number(),
  notedAt: z.number(),
});
type StoredSession = z.output<typeof StoredSession>;

/**
 * The attachment of a socket in a named channel, with its session once it has joined. The session is not at the top level. Otherwise,
 * after a rollback, a room of version 1.0 counts it in the default channel.
 */
const InChannel = z.object({ channel: ChannelName, session: z.optional(z.unknown()) });
type InChannel = Readonly<{ channel: string; session?: StoredSession }>;

/** The attachment of a socket that the room closed. Otherwise its messages count after the object has hibernated. */
const CLOSED = 'closed';

/** Reads the channel and the session of a socket. Returns undefined if the room closed the socket. */
export function readAttachment({
  attachment,
}: Pick<SocketPort, 'attachment'>):
  | { readonly channel: string; readonly session: SocketSession | undefined }
  | undefined {
  if (attachment === CLOSED) return undefined;
  const named = InChannel.safeParse(attachment).data;
  const channel = named?.channel ?? DEFAULT_CHANNEL;
  const stored = StoredSession.safeParse(named === undefined ? attachment : named.session).data;
  return { channel, session: stored && fromStored(channel, stored) };
}

function fromStored(channel: string, { sessionId, mood, heardAt, notedAt }: StoredSession): SocketSession {
  return { key: sessionKey(channel, sessionId), mood, lastMessageAt: heardAt, recordedAt: notedAt };
}

export function rememberChannel(port: SocketPort, channel: string): void {
  if (channel !== DEFAULT_CHANNEL) port.remember({ channel } satisfies InChannel);
}

export function rememberSession(port: SocketPort, session: SocketSession): void {
  const { key, mood, lastMessageAt, recordedAt } = session;
  const stored: StoredSession = { sessionId: idOf(key), mood, heardAt: lastMessageAt, notedAt: recordedAt };
  const channel = channelOf(key);
  port.remember(channel === DEFAULT_CHANNEL ? stored : ({ channel, session: stored } satisfies InChannel));
}

export function rememberClosed(port: SocketPort): void {
  port.remember(CLOSED);
}
