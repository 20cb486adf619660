/** The tabs of a browser that show the same presence. One of them leads: it alone beats. */
export interface Tabs<Message> {
  readonly leads: boolean;
  /** Whether no other tab was there at the last census. */
  readonly alone: boolean;
  census(): Promise<void>;
  /** Asks for the lead: at once, from whoever has it, or when nobody has it any more. */
  lead(atOnce: boolean): void;
  tell(message: Message): void;
  quit(): void;
}

/**
 * Joins the tabs of a name. A lock lets one of them lead, and when that one closes or crashes the next; over a channel they talk.
 * Where there are no locks, as on pages without TLS, every tab leads; where there is no channel none hears of the others.
 *
 * @param onLead This tab has taken the lead.
 * @param onMessage Another tab tells something; or nothing: it goes, it has taken the lead, or this one leads after it.
 */
export function joinTabs<Message>(
  name: string,
  onLead: () => void,
  onMessage: (message: Message | undefined) => void,
): Tabs<Message> {
  const { locks } = navigator;
  let channel: BroadcastChannel | undefined;
  /** Of the request for the lock that stands; those before it count no more. */
  let request: AbortController | undefined;
  let release: (() => void) | undefined;

  const tabs = {
    leads: false,
    alone: true,
    async census() {
      try {
        const { pending } = await locks.query();
        tabs.alone = !pending?.some((lock) => lock.name === name);
      } catch {
        // There are no locks.
      }
    },
    async lead(atOnce: boolean) {
      request?.abort();
      const mine = new AbortController();
      request = mine;
      const hold = () =>
        new Promise<void>((resolve) => {
          if (request !== mine) return resolve();
          release = resolve;
          tabs.leads = true;
          // Whoever led before has perhaps just left for all.
          if (atOnce) onLead();
          else onMessage(undefined);
        });
      try {
        await locks.request(name, atOnce ? { steal: true } : { signal: mine.signal }, hold);
      } catch {
        if (request !== mine) return;
        // Who asked in vain has no locks, or may not use them; who led has lost the lead to another tab.
        if (!tabs.leads) return hold();
        tabs.leads = false;
        void tabs.lead(false);
        onMessage(undefined);
      }
    },
    tell(message: Message) {
      channel?.postMessage(message);
      void tabs.census();
    },
    quit() {
      request?.abort();
      request = undefined;
      tabs.leads = false;
      release?.();
      channel?.postMessage(undefined);
      channel?.close();
    },
  };

  try {
    channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => {
      void tabs.census();
      onMessage(data);
    };
  } catch {
    // This browser, or this page, has none.
  }
  return tabs;
}
