import { afterEach, beforeEach, vi } from 'vitest';
import { ID, passed } from './page';
import { state } from './service';

/** The messages that reached the other tabs of the current test. */
export const received: News[] = [];
interface News {
  readonly visit: object;
  readonly leader?: object;
}

/** A channel between tabs that delivers within a microtask. That of Node delivers at an unknown time. */
class FakeChannel {
  static readonly open = new Set<FakeChannel>();
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    FakeChannel.open.add(this);
  }

  postMessage(message: unknown): void {
    const data = structuredClone(message);
    for (const channel of FakeChannel.open)
      if (channel !== this && channel.name === this.name)
        queueMicrotask(() => FakeChannel.open.has(channel) && channel.onmessage?.({ data }));
  }

  close(): void {
    FakeChannel.open.delete(this);
  }
}

let channel: FakeChannel;
beforeEach(() => {
  vi.stubGlobal('BroadcastChannel', FakeChannel);
  channel = new FakeChannel('presence 2 https://presence.example visit');
  channel.onmessage = ({ data }) => received.push(data as News);
});
afterEach(() => {
  channel.close();
  received.length = 0;
});

/** Another tab sends news; or null when it quits. */
export async function send(message: object | null) {
  channel.postMessage(message);
  await passed(0);
}

/** What a tab knows of its visit. It is older than that of the client in the test. */
export const visitOf = (visit: object = {}) => ({ id: ID, since: 1, mood: 'presence', choice: 0, ...visit });

/** The news of a leader. */
export const news = (visit: object = {}, leader: object = {}) => ({
  visit: visitOf(visit),
  leader: {
    state: state(7),
    isFailing: false,
    aheadMs: 5_000,
    errorMs: 1,
    intervalMs: 10_000,
    retryInMs: 0,
    dueMs: 10_000,
    ...leader,
  },
});
