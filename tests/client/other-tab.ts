import { afterEach, beforeEach } from 'vitest';
import { ID } from './page';
import { state } from './service';

/** The messages that reached the other tabs of the current test. */
export const received: { readonly visit: object; readonly leader?: object }[] = [];

let channel: BroadcastChannel;
beforeEach(() => {
  channel = new BroadcastChannel('presence 2 https://presence.example visit');
  channel.onmessage = ({ data }) => received.push(data);
});
afterEach(() => {
  channel.close();
  received.length = 0;
});

const { setImmediate } = globalThis;
/** Channels deliver by the event loop of Node, which the fake timers don't advance. */
export const delivered = () =>
  new Promise<void>((resolve) => setImmediate(() => setImmediate(() => setImmediate(() => resolve()))));

/** Another tab sends news; or null when it quits. */
export async function send(message: object | null) {
  channel.postMessage(message);
  await delivered();
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
