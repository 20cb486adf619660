import type { PresenceSnapshot } from './types.js';

/** The current snapshot, and the listeners of its changes. */
export interface Snapshots {
  /** A frozen object. Each change replaces it. */
  current(): PresenceSnapshot;
  change(change: Partial<PresenceSnapshot>): void;
  /**
   * Calls the listener now and after each change, until the returned function is called. Several changes at once cause one call. An error of
   * the first call ends the subscription, and is thrown.
   */
  subscribe(listener: (snapshot: PresenceSnapshot) => void): () => void;
}

export function createSnapshots(first: PresenceSnapshot): Snapshots {
  let snapshot = Object.freeze(first);
  /** Each subscription has a function of its own, because a listener may subscribe twice. */
  const notifiers = new Set<() => void>();

  return {
    current: () => snapshot,
    change(change) {
      snapshot = Object.freeze({ ...snapshot, ...change });
      Object.freeze(Object.freeze(snapshot.data)?.moods);
      // A listener that throws must not end the heartbeats.
      for (const notify of notifiers) queueMicrotask(notify);
    },
    subscribe(listener) {
      let last = snapshot;
      function notify() {
        // After two changes in one tick the first call has passed the second snapshot.
        if (last === snapshot || !notifiers.has(notify)) return;
        last = snapshot;
        listener(last);
      }
      // Before the subscription. Otherwise a listener that throws stays subscribed, and its caller has no function that ends the calls.
      listener(last);
      notifiers.add(notify);
      // The call may have made a change.
      queueMicrotask(notify);
      return () => notifiers.delete(notify);
    },
  };
}
