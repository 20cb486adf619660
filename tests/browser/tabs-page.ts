import { joinTabs, type Tabs } from '../../src/client/tabs';

/** A tab. Several of them in one page are like real tabs, because locks and broadcast channels work within a page too. */
export interface Tab {
  readonly tabs: Tabs<string>;
  /** The number of calls of `onLead`. */
  led: number;
  /** The number of calls of `onChange`. */
  changed: number;
  readonly received: string[];
}

Object.assign(window, {
  tab(name: string): Tab {
    const tab = { led: 0, changed: 0, received: [] as string[] };
    const tabs = joinTabs<string>(
      name,
      () => {
        tab.led++;
      },
      () => {
        tab.changed++;
      },
      (message) => tab.received.push(message),
    );
    return Object.assign(tab, { tabs });
  },
  async until(holds: () => unknown): Promise<void> {
    for (let wait = 0; !(await holds()); wait++) {
      if (wait > 200) throw new Error(`This did not hold within 2 s: ${holds}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
});
