import { between } from './between.js';
import { parseState } from './requests.js';
import type { PresenceState } from './types.js';

/** The close code of a tab whose session another tab continues. The room keeps that session until its TTL ends. */
const HANDOVER = 4_000;
/** The longest pause after a lost socket (ms). The pause is random, otherwise all clients reconnect at the same moment. */
const RECONNECT_MAX_MS = 120_000;
/**
 * The wait for a second message (ms). The first one can be older than the join, and then its count lacks this browser. The room sends
 * a change within 1 s.
 */
const FIRST_MESSAGE_MS = 1_500;

/** A socket is lost if no message follows a ping within this time (ms). */
const PONG_MS = 5_000;

export interface LiveSocket {
  /** Opens a socket, unless there is one or the pause after a lost one still runs. */
  connect(): void;
  /** Sends a message. Throws while the socket connects. Does nothing if there is none. */
  send(message: object): void;
  /** Sends a ping. The socket is lost if no message follows within 5 s. */
  ping(): void;
  /** Closes the socket, which ends the session unless `isHandover`. Does nothing if there is none. */
  close(isHandover: boolean): void;
}

/**
 * The live socket of one service: at most one at a time.
 *
 * @param onState Called with each presence state, with `performance.now()` of its arrival.
 * @param onLost Called when the socket cannot open, breaks, or is closed by the service.
 */
export function createLiveSocket(
  url: string,
  onOpen: () => void,
  onState: (state: PresenceState, receivedAt: number) => void,
  onLost: () => void,
): LiveSocket {
  let socket: WebSocket | undefined;
  let firstMessage: ReturnType<typeof setTimeout> | undefined;
  let pong: ReturnType<typeof setTimeout> | undefined;
  let pongDueAt = 0;
  /** By `performance.now()`. */
  let pauseEndsAt = 0;

  /** Removes the socket with its timers and listeners, and returns it. */
  function detach() {
    clearTimeout(firstMessage);
    clearTimeout(pong);
    firstMessage = pong = undefined;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    const detached = socket;
    socket = undefined;
    return detached;
  }

  function lose() {
    detach()?.close();
    pauseEndsAt = performance.now() + between(0, RECONNECT_MAX_MS);
    onLost();
  }

  function receive({ data }: MessageEvent) {
    clearTimeout(pong);
    pong = undefined;
    const state = parseMessage(data);
    if (!state) return;
    const receivedAt = performance.now();
    const show = () => onState(state, receivedAt);
    clearTimeout(firstMessage);
    if (firstMessage === undefined) firstMessage = setTimeout(show, FIRST_MESSAGE_MS);
    else show();
  }

  return {
    connect() {
      if (socket || performance.now() < pauseEndsAt) return;
      try {
        socket = new WebSocket(url.replace('http', 'ws'));
      } catch {
        // There are no sockets, or the page's policy refuses this one.
        return lose();
      }
      socket.onopen = onOpen;
      socket.onmessage = receive;
      socket.onclose = lose;
    },
    send: (message) => socket?.send(JSON.stringify(message)),
    ping() {
      if (!socket) return;
      // The timer of the pong can be late in a hidden page. The timer of the caller is on time.
      if (pong) return performance.now() < pongDueAt ? undefined : lose();
      pong = setTimeout(lose, PONG_MS);
      pongDueAt = performance.now() + PONG_MS;
      socket.send('ping');
    },
    close(isHandover) {
      const closing = detach();
      const close = () => closing?.close(isHandover ? HANDOVER : undefined);
      // A browser prints an error if a socket closes before it is open.
      if (closing?.readyState === 0) closing.onopen = close;
      else close();
    },
  };
}

/** The presence state in a message. Undefined for a `pong`, and for any other text. */
function parseMessage(text: string): PresenceState | undefined {
  try {
    return parseState(JSON.parse(text));
  } catch {
    return undefined;
  }
}
