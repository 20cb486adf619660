import { afterEach } from 'vitest';

/** The sockets of the current test. */
export let sockets: FakeSocket[] = [];
afterEach(() => {
  sockets = [];
});

/** A live socket that a test opens and sends messages to. */
export class FakeSocket {
  readyState = 0;
  readonly sent: string[] = [];
  closeCode: number | undefined;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  readonly url: string;

  constructor(url: string) {
    this.url = url;
    sockets.push(this);
  }

  send(message: string) {
    this.sent.push(message);
  }

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** A close by the client or the service. The event follows in a microtask. */
  close(code?: number) {
    this.readyState = 3;
    this.closeCode = code;
    queueMicrotask(() => this.onclose?.());
  }

  /** Delivers a message of the service to the client. */
  receive(data: string | object) {
    this.onmessage?.({ data: typeof data === 'string' ? data : JSON.stringify(data) });
  }
}
