import type { PresenceSnapshot } from './types.js';

/** The current snapshot, and the listeners of its changes. */
export interface Snapshots {
  /** A frozen object. Each change replaces it. */
  current(): PresenceSnapshot;
  change(change: Partial<PresenceSnapshot>): void;
  /** Calls the listener now and after each change, until the returned function is called. */
  subscribe(listener: (snapshot: PresenceSnapshot) => void): () => void;
}

export function createSnapshots(first: PresenceSnapshot): Snapshots {
  let snapshot = Object.freeze(first);
  /** A function that subscribes twice has two subscriptions. */
  const subscriptions = new Set<{ readonly listener: (snapshot: PresenceSnapshot) => void }>();

  return {
    current: () => snapshot,
    change(change) {
      snapshot = Object.freeze({ ...snapshot, ...change });
      Object.freeze(Object.freeze(snapshot.data)?.moods);
      // A listener that throws must not end the heartbeats.
      for (const subscription of subscriptions)
        queueMicrotask(() => subscriptions.has(subscription) && subscription.listener(snapshot));
    },
    subscribe(listener) {
      const subscription = { listener };
      subscriptions.add(subscription);
      listener(snapshot);
      return () => subscriptions.delete(subscription);
    },
  };
}
