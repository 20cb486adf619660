import * as z from 'zod/mini';
import { LIVE_MESSAGE_BYTES_MAX } from '../../limits';
import { parseJson } from '../parse-json';
import { Mood, SessionId } from '../session';

/** A message of a live socket, except `ping`. With an id the socket joins. Without an id it changes the mood of its session. */
const SocketMessage = z.object(
  { sessionId: z.optional(SessionId), mood: Mood },
  { error: 'must be a JSON object' },
);
type SocketMessage = z.infer<typeof SocketMessage>;

/** https://www.rfc-editor.org/rfc/rfc6455#section-5.5 */
const REASON_BYTES_MAX = 123;

/** Why the room closes a socket. The reason has at most 123 bytes. */
export interface SocketClose {
  readonly code: number;
  readonly reason: string;
}

/** Close codes: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;
const TRY_AGAIN_LATER = 1013;

const violation = (reason: string): SocketClose => ({ code: POLICY_VIOLATION, reason });

export const CLOSE = {
  byClient: { code: NORMAL, reason: '' },
  roomFull: { code: TRY_AGAIN_LATER, reason: 'The room is full. Try again later.' },
  tooManyMessages: violation('Too many messages.'),
  tooManySockets: violation('Too many sockets of this session.'),
  sessionExpired: violation('The session expired. Send ping regularly.'),
  otherSession: violation('A socket keeps its sessionId. Open another socket.'),
  notJoined: violation('Send sessionId and mood first.'),
} satisfies Record<string, SocketClose>;

/** A client closes its socket with this code when another tab continues the session. Codes from 4000 on are for applications. */
export const HANDOVER_CODE = 4000;

/** Returns the message, or why it closes the socket. The reason names what the room accepts, and never repeats the message. */
export function readMessage(message: string | ArrayBuffer): SocketMessage | SocketClose {
  if (typeof message !== 'string') return violation('Send text.');
  if (isTooBig(message)) return { code: TOO_BIG, reason: `Send at most ${LIVE_MESSAGE_BYTES_MAX} bytes.` };
  const parsed = SocketMessage.safeParse(parseJson(message));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = String(issue?.path[0] ?? 'The message');
  return violation(reasonThatFits(`${where} ${issue?.message}.`, `${where} is wrong.`));
}

/** A character takes at least one byte. So only a message with few characters is encoded to count its bytes. */
function isTooBig(message: string): boolean {
  if (message.length > LIVE_MESSAGE_BYTES_MAX) return true;
  return bytesOf(message) > LIVE_MESSAGE_BYTES_MAX;
}

/**
 * Returns the reason, or the short one if a close frame has no place for the reason. A list of many moods is too long. Then `close`
 * throws, and the socket stays open.
 */
export const reasonThatFits = (reason: string, short: string) =>
  bytesOf(reason) <= REASON_BYTES_MAX ? reason : short;

const bytesOf = (text: string) => new TextEncoder().encode(text).byteLength;
