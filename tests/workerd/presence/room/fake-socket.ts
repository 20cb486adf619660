import { PresenceState } from '../../../../src/api/answer-schemas';
import type { SocketPort } from '../../../../src/presence/room/socket-port';

/** A socket port in memory. While it is open, it keeps the states that it receives. */
export class FakeSocket implements SocketPort {
  isOpen = true;
  lastPingAt: number | undefined;
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly received: PresenceState[] = [];
  #attachment: unknown = null;

  get attachment(): unknown {
    return structuredClone(this.#attachment);
  }

  get last(): PresenceState | undefined {
    return this.received.at(-1);
  }

  remember(attachment: unknown): void {
    this.#attachment = structuredClone(attachment);
  }

  send(text: string): void {
    if (this.isOpen) this.received.push(PresenceState.parse(JSON.parse(text)));
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.closed = { code, reason };
  }
}
