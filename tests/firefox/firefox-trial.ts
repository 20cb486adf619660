import { setTimeout as pause } from 'node:timers/promises';
import puppeteer, { type Browser, type BrowserContext, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { OtherSite } from '../browser/other-site';
import { DeployedWorker } from '../support/deployed-worker';
import { started } from '../support/started';
import { BreakableProxy } from './breakable-proxy';

export type HubName = 'kv' | 'durable-object';

/** Short times, so that a session expires within a test. */
export const TTL_MS = 4_000;
export const INTERVAL_MS = 1_200;

const PREFERENCES = {
  // Pages of the site have no icon. Otherwise the console has an error about the policy, which blocks the request.
  'browser.chrome.site_icons': false,
  // When the last tab of a site closes, Firefox can end its scripts before `pagehide`. With the default, 19 of 40 such leaves got
  // lost, also if the leave is the first call of the page's listener. The session then expires. These tests check the client.
  'dom.abort_script_on_child_shutdown': false,
};

/** The counts of the service during a part of a test. */
interface Counts {
  readonly min: number;
  readonly max: number;
  /** How long the count was 0. */
  readonly absentMs: number;
}

/** A page, and the errors and warnings in its console. */
interface WatchedPage {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** A Worker with one hub, a site of another origin that uses its client, and Firefox. All end with the test file. */
export class FirefoxTrial {
  #worker: DeployedWorker | undefined;
  #proxy: BreakableProxy | undefined;
  #site: OtherSite | undefined;
  #browser: Browser | undefined;
  #visitors: BrowserContext[] = [];

  /** Call it where tests are defined: it registers what happens before and after them. */
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

  /** A browser profile without any state, as of a new visitor. */
  async visitor(): Promise<BrowserContext> {
    const visitor = await started(this.#browser).createBrowserContext();
    this.#visitors.push(visitor);
    return visitor;
  }

  async open(visitor: BrowserContext, url: string): Promise<WatchedPage> {
    const page = await visitor.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, complaints };
  }

  /**
   * Opens a page whose title is the snapshot, such as `live 2`, and waits until it shows one person.
   *
   * @param before What its script does before it starts the client.
   */
  async openPlain(visitor: BrowserContext, before = ''): Promise<WatchedPage> {
    // Firefox sets `navigator.webdriver` under automation. Without `robots` a client may only watch then.
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

  /** The counts that the service shows while something happens, and half a second longer. */
  async countsWhile(happens: () => Promise<unknown>): Promise<Counts> {
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
    await happens();
    await pause(500);
    isOver = true;
    await watching;
    return { min: Math.min(...seen), max: Math.max(...seen), absentMs };
  }

  /** Closes a page, and returns after how many ms the service shows no session. */
  async closeLast(page: Page): Promise<number> {
    const closedAt = Date.now();
    await page.close();
    await expect.poll(this.count, { interval: 20 }).toBe(0);
    return Date.now() - closedAt;
  }
}

/**
 * Closes all tabs of a visitor, then the profile. The oldest tab closes last. Otherwise a tab that takes over sends a heartbeat,
 * which may arrive after the leave.
 */
async function close(visitor: BrowserContext): Promise<void> {
  for (const page of (await visitor.pages()).reverse()) await page.close();
  await visitor.close();
}
