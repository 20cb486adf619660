import { joinTabs, type Tabs } from '../../src/client/tabs';

/** A tab, or what stands for one: locks and channels work within a page as they do between tabs. */
export interface Tab {
  readonly tabs: Tabs<string>;
  /** How often it got the lead that it asked for at once. */
  led: number;
  /** How often another tab quit or took the lead, or this one led after another one. */
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
      if (wait > 200) throw new Error(`Never: ${holds}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
});
