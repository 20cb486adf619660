import { afterEach, beforeEach, vi } from 'vitest';
import { advance, GROUP, ID } from './page';
import { state } from './service';

/** The messages that other tabs have received in the current test. */
export const receivedByOtherTabs: TabMessage[] = [];
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
  channel.onmessage = ({ data }) => receivedByOtherTabs.push(data as TabMessage);
});
afterEach(() => {
  channel.close();
  receivedByOtherTabs.length = 0;
});

/** Sends a message of another tab. A tab that quits sends null. */
export async function sendFromOtherTab(message: object | null) {
  channel.postMessage(message);
  await advance(0);
}

/** The visit of another tab. By default it is older than the visit of the client. */
export const otherVisit = (visit: object = {}) => ({
  id: ID,
  since: 1,
  mood: 'presence',
  choice: 0,
  ...visit,
});

/** A message of a leader in another tab. */
export const leaderMessage = (visit: object = {}, leader: object = {}) => ({
  visit: otherVisit(visit),
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
