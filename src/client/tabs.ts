/** The tabs of a browser that are present together. One of them leads: it alone sends heartbeats. */
export interface Tabs<News> {
  /** Whether this tab has the lock. */
  readonly leads: boolean;
  /** Asks for the lead: at once, from the tab that has it, or for when no tab has it. */
  lead(atOnce: boolean): void;
  /** Sends news to the other tabs. */
  send(news: News): void;
  /** Looks for other tabs. `isLast` answers from the last look. */
  census(): Promise<void>;
  /** Whether this tab leads and there is no other one. */
  isLast(): boolean;
  /** Leaves the others. The next tab leads. */
  quit(): void;
}

/** The lock request of a tab that quits has ended after this time (ms). */
const LOCK_ENDS_MS = 500;

/**
 * Joins the tabs with this name. A lock makes one of them the leader, and the next one when that tab closes or crashes. News go over
 * a channel. Without locks, as on pages without TLS, every tab leads. Without channels no tab gets news.
 *
 * @param onLead This tab has asked for the lead at once, and leads now.
 * @param onChange Another tab has quit, or has taken the lead; or this tab leads after another one.
 */
export function joinTabs<News>(
  name: string,
  onLead: () => void,
  onChange: (hasQuit: boolean) => void,
  onNews: (news: News) => void,
): Tabs<News> {
  const { locks } = navigator;
  let channel: BroadcastChannel | undefined;
  /** The request for the lock that stands. */
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
    channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => {
      void census();
      if (data) return onNews(data);
      // The request of the tab for the lock ends after its message.
      setTimeout(census, LOCK_ENDS_MS);
      onChange(true);
    };
  } catch {
    // This browser, or this page, has no channels.
  }

  return {
    get leads() {
      return leads;
    },
    lead,
    census,
    send(news) {
      channel?.postMessage(news);
      void census();
    },
    isLast: () => leads && isAlone,
    quit() {
      request?.abort();
      request = undefined;
      leads = false;
      release?.();
      channel?.postMessage(null);
      channel?.close();
    },
  };
}
