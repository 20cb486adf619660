import { joinTabs, type Tabs } from '../../src/client/tabs';

/** A tab, or what stands for one: locks and channels work within a page as they do between tabs. */
export interface Tab {
  readonly tabs: Tabs<string>;
  led: number;
  readonly heard: unknown[];
}

Object.assign(window, {
  tab(name: string): Tab {
    const tab = { led: 0, heard: [] as unknown[] };
    const tabs = joinTabs<string>(
      name,
      () => {
        tab.led++;
      },
      (message) => tab.heard.push(message),
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
