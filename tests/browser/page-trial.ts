import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { type PresenceState, totalOf, ZERO_COUNTS } from '../../src/presence/session';
import { BrowserTrial } from './browser-trial';
import { open } from './watched-page';

type MoodCounts = Partial<PresenceState['moods']>;

/** A heartbeat that arrives after the leave of a closed tab keeps its session for a TTL. */
const EXPIRY_MS = 40_000;

/** A Worker and a browser that opens its page at `/`. Both end with the test file. */
export class PageTrial extends BrowserTrial {
  /** @param variables Of the Worker. */
  constructor(variables: Record<string, string> = {}) {
    super(variables, EXPIRY_MS);
  }

  get url(): string {
    return `${this.worker.origin}/`;
  }

  /** The counts as the service shows them. */
  presence(): Promise<PresenceState> {
    return this.worker.presence();
  }

  /** A new browser profile without animations: without a GPU the orb keeps a core busy. */
  async profile(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.visitor(options);
    if (options.javaScriptEnabled !== false) await context.addInitScript(withoutAnimations);
    return context;
  }

  /** A profile that counts on the open page. */
  async person(options: BrowserContextOptions = {}) {
    return this.#openLive(await this.profile(options));
  }

  /** A profile that counts on the page of a circle. */
  async personIn(channel: string, options: BrowserContextOptions = {}) {
    return this.#openLive(await this.profile(options), this.circle(channel));
  }

  /** The address of the page of a circle. */
  circle(channel: string): string {
    return `${this.url}?channel=${encodeURIComponent(channel)}`;
  }

  /** A profile with animations that counts on the open page. */
  async personInMotion(options: BrowserContextOptions = {}) {
    return this.#openLive(await this.visitor(options));
  }

  /** An open page whose heartbeats get the answer that `answerWith` has set last. The Worker counts nothing. */
  async pageWithAnswers(moods: MoodCounts, options: BrowserContextOptions = {}) {
    const context = await this.profile(options);
    let answer = moods;
    await context.route('**/api/heartbeat', (route) => route.fulfill({ json: stateOf(answer) }));
    const { page } = await this.#openLive(context);
    /** A heartbeat follows at once, because the mood changes. */
    async function answerWith(next: MoodCounts) {
      answer = next;
      const other = page.getByRole('group').getByRole('button', { pressed: false });
      await other.first().click();
      const { count } = stateOf(next);
      await expect.poll(() => shown(page)).toMatch(`with ${count.toLocaleString('en')} p`);
    }
    return { page, answerWith };
  }

  async #openLive(context: BrowserContext, url = this.url) {
    const watched = await open(context, url);
    // The leave of a page that closes earlier can arrive before its heartbeat.
    await watched.page.waitForSelector('[data-status=live]');
    return { context, ...watched };
  }
}

/** The heading of the page, which holds the number. */
export async function shown(page: Page): Promise<string> {
  return (await page.locator('h1').innerText()).replaceAll(/\s+/g, ' ').trim();
}

/** A presence state of now. */
export function stateOf(counts: MoodCounts): PresenceState {
  const moods = { ...ZERO_COUNTS, ...counts };
  return { count: totalOf(moods), moods, timestamp: Date.now() };
}

/** Runs in the page before its own code. */
function withoutAnimations() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { animation: none !important }');
  document.adoptedStyleSheets = [sheet];
}
