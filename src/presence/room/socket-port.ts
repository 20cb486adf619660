/** The part of a live socket that the room uses. No method throws, even on a broken or closed socket. */
export interface SocketPort {
  send(text: string): void;
  /** Closes the socket. If the client closed it first, the client waits for this answer. */
  close(code: number, reason: string): void;
  /** Stores a value with the socket. The value remains when the object restarts. */
  remember(attachment: unknown): void;
  /** The value that `remember` stored last. */
  readonly attachment: unknown;
  /** When the platform last answered a `ping` of this socket (ms). A ping does not run the object. */
  readonly lastPingAt: number | undefined;
}
