import { between } from './between.js';
import { parseState } from './requests.js';
import type { PresenceState } from './types.js';

/** The close code of a tab that hands its session over to another tab: the room keeps the session until its TTL. */
const HANDOVER = 4_000;
/** The longest pause before another socket, after one was lost (ms). It is random, otherwise a crowd comes back at once. */
const PAUSE_MAX_MS = 120_000;
/**
 * The wait for a second message (ms). The first one can be from before the join, and shows this browser as absent. The room sends a
 * change within a second.
 */
const FIRST_MESSAGE_MS = 1_500;

/** A socket without a message for this time (ms) after a ping is dead. */
const PONG_MS = 5_000;

export interface LiveSocket {
  /** Opens a socket, unless there is one or the pause after a lost one still runs. */
  connect(): void;
  /** Only while the socket is open. */
  send(message: object): void;
  /** Sends a ping. The socket is lost if it gets no message in time. */
  ping(): void;
  /** Closes the socket, which ends the session unless it is handed over. Does nothing if there is none. */
  close(isHandover: boolean): void;
}

/**
 * The live socket of one service: at most one at a time.
 *
 * @param onState Called with each presence state, with `performance.now()` of its arrival.
 * @param onLost Called when the socket could not be opened, broke, or was closed by the service.
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
  /** When the pause ends, by `performance.now()`. */
  let connectAt = 0;

  /** Forgets the socket: no later event of it counts. */
  function forget() {
    clearTimeout(firstMessage);
    clearTimeout(pong);
    firstMessage = pong = undefined;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    const forgotten = socket;
    socket = undefined;
    return forgotten;
  }

  function lose() {
    forget()?.close();
    connectAt = performance.now() + between(0, PAUSE_MAX_MS);
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
      if (socket || performance.now() < connectAt) return;
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
      // The timer is late in a hidden page. The caller's is not.
      if (pong) return performance.now() < pongDueAt ? undefined : lose();
      pong = setTimeout(lose, PONG_MS);
      pongDueAt = performance.now() + PONG_MS;
      socket.send('ping');
    },
    close(isHandover) {
      const closing = forget();
      const close = () => closing?.close(isHandover ? HANDOVER : undefined);
      // A browser prints an error if a socket closes before it is open.
      if (closing?.readyState === 0) closing.onopen = close;
      else close();
    },
  };
}

/** The presence state in a message; undefined for a `pong`, and for what is no presence state. */
function parseMessage(text: string): PresenceState | undefined {
  try {
    return parseState(JSON.parse(text));
  } catch {
    return undefined;
  }
}
