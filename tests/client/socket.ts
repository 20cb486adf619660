import { afterEach } from 'vitest';

/** The sockets of the current test. */
export let sockets: FakeSocket[] = [];
afterEach(() => {
  sockets = [];
});

/** A socket to a service that sends what a test makes it send. */
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

  /** By either side. The event comes later. */
  close(code?: number) {
    this.readyState = 3;
    this.closeCode = code;
    queueMicrotask(() => this.onclose?.());
  }

  /** The client gets a message. */
  receive(data: string | object) {
    this.onmessage?.({ data: typeof data === 'string' ? data : JSON.stringify(data) });
  }
}
