import { afterEach } from 'vitest';

/** All that were made in this test. */
export let sockets: FakeSocket[] = [];
afterEach(() => {
  sockets = [];
});

/** A socket to a service that says what a test makes it say. */
export class FakeSocket {
  readyState = 0;
  readonly sent: string[] = [];
  onopen = () => {};
  onclose = () => {};
  onmessage: (event: { data: string }) => void = () => {};

  constructor() {
    sockets.push(this);
  }

  send(message: string) {
    this.sent.push(message);
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  /** By either side, which hears of it later. */
  close() {
    this.readyState = 3;
    queueMicrotask(() => this.onclose());
  }

  tell(data: string | object) {
    this.onmessage({ data: typeof data === 'string' ? data : JSON.stringify(data) });
  }
}
