import { setTimeout as pause } from 'node:timers/promises';
import puppeteer, { type Browser, type BrowserContext, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { OtherSite } from '../browser/other-site';
import { DeployedWorker } from '../support/deployed-worker';
import { started } from '../support/started';
import { BreakableProxy } from './breakable-proxy';

export type HubName = 'kv' | 'durable-object';

/** Short times. Otherwise no session expires within a test. */
export const TTL_MS = 4_000;
export const INTERVAL_MS = 1_200;

const PREFERENCES = {
  // With this preference Firefox requests no icon. Otherwise the policy of the site blocks the request, and the console has an error.
  'browser.chrome.site_icons': false,
  // When the last tab of a site closes, Firefox can end its scripts before `pagehide`. With the default it loses 19 of 40 such leaves,
  // even if the listener sends the leave first. Then the session expires. These tests check the client.
  'dom.abort_script_on_child_shutdown': false,
};

/** The counts of the service during an action. */
interface Counts {
  readonly min: number;
  readonly max: number;
  /** The time with a count of 0 (ms). */
  readonly absentMs: number;
}

/** A page, and the errors and warnings in its console. */
interface WatchedPage {
  readonly page: Page;
  readonly consoleErrors: readonly string[];
}

/** A Worker with one hub, a site of another origin that uses its client, and Firefox. All end with the test file. */
export class FirefoxTrial {
  #worker: DeployedWorker | undefined;
  #proxy: BreakableProxy | undefined;
  #site: OtherSite | undefined;
  #browser: Browser | undefined;
  #visitors: BrowserContext[] = [];

  /** Call it where tests are defined: it registers the hooks that start and end the parts. */
  constructor(hub: HubName) {
    beforeAll(async () => {
      const variables = { SESSION_TTL_SECONDS: String(TTL_MS / 1_000), PRESENCE_HUB: hub };
      this.#worker = await DeployedWorker.start(variables);
      this.#proxy = await BreakableProxy.start(this.#worker.origin);
      this.#site = await OtherSite.start(this.#proxy.origin);
      this.#browser = await puppeteer.launch({
        browser: 'firefox',
        executablePath: inject('firefox'),
        extraPrefsFirefox: PREFERENCES,
      });
    });
    afterEach(async () => {
      this.proxy.goOnline();
      for (const visitor of this.#visitors.splice(0)) await close(visitor);
      await expect.poll(this.count).toBe(0);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#site?.close();
      await this.#proxy?.close();
      await this.#worker?.dispose();
    });
  }

  get worker(): DeployedWorker {
    return started(this.#worker);
  }

  /** The connection of all pages to the Worker. */
  get proxy(): BreakableProxy {
    return started(this.#proxy);
  }

  get site(): OtherSite {
    return started(this.#site);
  }

  /** Heartbeats that the Worker has received from the browser. */
  get heartbeats(): number {
    return this.worker.requests.filter((request) => request.includes('/api/heartbeat')).length;
  }

  /** A new browser profile, as of a new visitor. The trial closes it after the test. */
  async visitor(): Promise<BrowserContext> {
    const visitor = await started(this.#browser).createBrowserContext();
    this.#visitors.push(visitor);
    return visitor;
  }

  async open(visitor: BrowserContext, url: string): Promise<WatchedPage> {
    const page = await visitor.newPage();
    const consoleErrors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warn') consoleErrors.push(message.text());
    });
    page.on('pageerror', (error) => consoleErrors.push(String(error)));
    await page.goto(url);
    return { page, consoleErrors };
  }

  /**
   * Opens a page whose title is the snapshot, such as `live 2`, and waits until it shows one person.
   *
   * @param before The code of the page before its client starts.
   */
  async openPlain(visitor: BrowserContext, before = ''): Promise<WatchedPage> {
    // Firefox sets `navigator.webdriver` under automation. Without `robots` the client only watches.
    const script = `
      import { createPresence } from '${this.proxy.origin}/presence.js';
      ${before}
      window.presence = createPresence({ mood: 'gratitude', robots: 'count', intervalMs: ${INTERVAL_MS} });
      presence.subscribe(({ status, data }) => { document.title = status + ' ' + data?.count; });
      presence.start();
    `;
    const opened = await this.open(visitor, this.site.add('plain', { script }));
    await expect.poll(() => opened.page.title()).toBe('live 1');
    return opened;
  }

  readonly count = async (): Promise<number> => (await this.worker.presence()).count;
  readonly moods = async () => (await this.worker.presence()).moods;

  /** The counts of the service during an action, and for 0.5 s after it. */
  async countsWhile(action: () => Promise<unknown>): Promise<Counts> {
    const seen: number[] = [];
    let absentMs = 0;
    let isOver = false;
    const watch = async () => {
      for (let [before, now] = [Date.now(), 0]; !isOver; before = now) {
        const count = await this.count();
        now = Date.now();
        seen.push(count);
        if (count === 0) absentMs += now - before;
        await pause(25);
      }
    };
    const watching = watch();
    await action();
    await pause(500);
    isOver = true;
    await watching;
    return { min: Math.min(...seen), max: Math.max(...seen), absentMs };
  }

  /** Closes a page, and returns the time until the service has no session (ms). */
  async closeLast(page: Page): Promise<number> {
    const closedAt = Date.now();
    await page.close();
    await expect.poll(this.count, { interval: 20 }).toBe(0);
    return Date.now() - closedAt;
  }
}

/**
 * Closes all tabs of a visitor, then the profile. The oldest tab closes last. Otherwise a tab that takes the lead sends a heartbeat,
 * which may arrive after the leave.
 */
async function close(visitor: BrowserContext): Promise<void> {
  for (const page of (await visitor.pages()).reverse()) await page.close();
  await visitor.close();
}
