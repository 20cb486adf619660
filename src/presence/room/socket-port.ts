/** One live socket, as the room sees it. No method throws, also on a broken or closed socket. */
export interface SocketPort {
  /** Sends a text message. */
  send(text: string): void;
  /** Closes the socket. If the client closed it first, the client waits for this answer. */
  close(code: number, reason: string): void;
  /** Stores a value with the socket. The value outlives the object's memory. */
  remember(attachment: unknown): void;
  /** The value that `remember` stored last. */
  readonly attachment: unknown;
  /** When the platform last answered a `ping` of this socket (ms). The ping does not wake the object. */
  readonly lastPingAt: number | undefined;
}
