import { afterEach, beforeEach, vi } from 'vitest';
import { GROUP, ID, passed } from './page';
import { state } from './service';

/** The messages that reached the other tabs of the current test. */
export const received: TabMessage[] = [];
interface TabMessage {
  readonly visit: object;
  readonly leader?: object;
}

/** Delivers within a microtask. The `BroadcastChannel` of Node delivers later, at no fixed time. */
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
  channel = new FakeChannel(GROUP);
  channel.onmessage = ({ data }) => received.push(data as TabMessage);
});
afterEach(() => {
  channel.close();
  received.length = 0;
});

/** Another tab sends a message; or null when it quits. */
export async function send(message: object | null) {
  channel.postMessage(message);
  await passed(0);
}

/** The visit of another tab, by default older than the visit of the client. */
export const visitOf = (visit: object = {}) => ({ id: ID, since: 1, mood: 'presence', choice: 0, ...visit });

/** The message of a leader. */
export const fromLeader = (visit: object = {}, leader: object = {}) => ({
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
