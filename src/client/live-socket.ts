import { endpoint } from './requests.js';
import type { PresenceState } from './types.js';

/** The room tells changes within a second: after this its first message, which may be from before we joined, stands. In ms. */
const FIRST_MESSAGE_MS = 1_500;

/**
 * Opens a live socket. Who joins with it, in `onOpen`, leaves by closing it.
 *
 * @param onMessage Who is here, or nothing that is news: an answer to a ping.
 * @param onClose It was not to be had, or has been closed by the other side.
 */
export function openLiveSocket(
  base: URL,
  onOpen: () => void,
  onMessage: (state?: PresenceState) => void,
  onClose: () => void,
): WebSocket {
  const socket = new WebSocket(endpoint(base, 'live').href.replace('http', 'ws'));
  let first: ReturnType<typeof setTimeout> | undefined;
  socket.onopen = onOpen;
  socket.onmessage = ({ data }) => {
    if (data === 'pong') return onMessage();
    const tell = () => onMessage(JSON.parse(data));
    clearTimeout(first);
    if (!first) first = setTimeout(tell, FIRST_MESSAGE_MS);
    else tell();
  };
  socket.onclose = onClose;
  return socket;
}
