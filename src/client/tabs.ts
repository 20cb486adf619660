/** The tabs of a browser that are present together. One of them leads, and only this one sends heartbeats. */
export interface Tabs<Message> {
  /** Whether this tab has the lock. Without locks every tab leads. */
  readonly leads: boolean;
  /** Requests the lock. `atOnce` takes it from the tab that has it. Otherwise this tab waits until no tab has it. */
  lead(atOnce: boolean): void;
  /** Sends a message to the other tabs. */
  send(message: Message): void;
  /** Reads from the lock manager whether other tabs wait. `isLast` uses the last result. */
  census(): Promise<void>;
  /** Whether this tab leads, and the last census found no other tab. */
  isLast(): boolean;
  /** Releases the lock and sends the last message. The next tab leads. */
  quit(): void;
}

/** The lock request of a tab that quits may outlast its last message by this time (ms). An earlier census still finds the tab. */
const LOCK_ENDS_MS = 500;

/**
 * Joins the tabs with this name. A lock makes one of them the leader, and the next one when that tab closes or crashes. A
 * `BroadcastChannel` carries the messages. Without locks, as on pages without TLS, every tab leads. Without `BroadcastChannel` no tab
 * gets a message. A client without a page uses neither: it is no tab of a browser.
 *
 * @param onLead Called when this tab gets the lead that it requested at once.
 * @param onChange Called when another tab quits or takes the lead. Also called when this tab gets a lock that it waited for.
 */
export function joinTabs<Message>(
  name: string,
  onLead: () => void,
  onChange: (hasQuit: boolean) => void,
  onMessage: (message: Message) => void,
): Tabs<Message> {
  // Node 24 has locks, and aborts if a worker thread steals one.
  const locks = globalThis.document && navigator.locks;
  let broadcastChannel: BroadcastChannel | undefined;
  /** The latest request for the lock. */
  let request: AbortController | undefined;
  let release: (() => void) | undefined;
  let leads = false;
  let isAlone = true;

  async function census() {
    try {
      const { pending } = await locks.query();
      isAlone = !pending?.some((lock) => lock.name === name);
    } catch {
      // There are no locks.
    }
  }

  async function lead(atOnce: boolean) {
    request?.abort();
    const mine = new AbortController();
    request = mine;
    const hold = () =>
      new Promise<void>((resolve) => {
        if (request !== mine) return resolve();
        release = resolve;
        leads = true;
        void census();
        if (atOnce) onLead();
        else onChange(false);
      });
    try {
      await locks.request(name, atOnce ? { steal: true } : { signal: mine.signal }, hold);
    } catch {
      if (request !== mine) return;
      // Either the page may use no locks, or another tab has taken the lead.
      if (!leads) return hold();
      leads = false;
      void lead(false);
      onChange(false);
    }
  }

  try {
    broadcastChannel = globalThis.document && new BroadcastChannel(name);
    broadcastChannel.onmessage = ({ data }) => {
      void census();
      if (data) return onMessage(data);
      setTimeout(census, LOCK_ENDS_MS);
      onChange(true);
    };
  } catch {
    // There is no page, or it has no `BroadcastChannel`.
  }

  return {
    get leads() {
      return leads;
    },
    lead,
    census,
    send(message) {
      broadcastChannel?.postMessage(message);
      void census();
    },
    isLast: () => leads && isAlone,
    quit() {
      request?.abort();
      request = undefined;
      leads = false;
      release?.();
      broadcastChannel?.postMessage(null);
      broadcastChannel?.close();
    },
  };
}
