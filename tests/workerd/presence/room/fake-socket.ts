import type { SocketState } from '../../../../src/presence/room/live-sockets';
import type { MoodCounts } from '../../../../src/presence/session';

/** The platform's side of a socket. */
export class FakeSocket {
  isOpen = true;
  pingedAt: number | undefined;
  shown: { readonly moods: MoodCounts } | undefined;
  shownTimes = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;
  #attachment: unknown = null;

  serializeAttachment(attachment: unknown): void {
    this.#attachment = structuredClone(attachment);
  }

  deserializeAttachment(): unknown {
    return structuredClone(this.#attachment);
  }

  send(text: string): void {
    if (!this.isOpen) throw new Error('The socket is closed.');
    this.shown = JSON.parse(text);
    this.shownTimes += 1;
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) throw new Error('The socket is closed.');
    this.isOpen = false;
    this.closed = { code, reason };
  }
}

/** A fake is all of a socket that is used; the rest only the platform can make. */
export const real = (socket: FakeSocket) => socket as unknown as WebSocket;

/** The platform's side of the object: its sockets are fakes, which the types cannot know. */
export function stateOf(
  accepted: FakeSocket[],
  open: () => readonly FakeSocket[],
  setWebSocketAutoResponse: (pair: WebSocketRequestResponsePair) => void = () => undefined,
): SocketState {
  const state = {
    acceptWebSocket: (socket: FakeSocket) => void accepted.push(socket),
    getWebSockets: open,
    setWebSocketAutoResponse,
    getWebSocketAutoResponseTimestamp: ({ pingedAt }: FakeSocket) =>
      pingedAt === undefined ? null : new Date(pingedAt),
  };
  return state as unknown as SocketState;
}
