import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { PresenceHistory } from '../../src/client/types';
import { historyOf as historyAt } from '../../src/presence/history';
import { type PresenceState, totalOf, ZERO_COUNTS } from '../../src/presence/session';
import { endingWith } from '../support/ending-with';
import { BrowserTrial } from './browser-trial';
import { open } from './watched-page';

/** The setting `PRESENCE_HUB` of a service with the room, and the hub of its `/health`. */
export const ROOM = 'durable-object';

interface Answers {
  /** Makes the answer to a request for the history. Without it the hub of the service is KV. */
  readonly history?: () => PresenceHistory;
  /** The page only watches. */
  readonly isRobot?: boolean;
  readonly hasMotion?: boolean;
  /** `context.clock` sets the clock and the timers of the page. */
  readonly hasClock?: boolean;
}

type MoodCounts = Partial<PresenceState['moods']>;

/** The TTL is short: if a heartbeat arrives after the leave of a closed tab, its session lasts for the TTL. */
const EXPIRY_MS = 40_000;

/** A Worker and a browser that opens its page at `/`. Both end with the test file. */
export class PageTrial extends BrowserTrial {
  /** @param variables The variables of the Worker. */
  constructor(variables: Record<string, string> = {}) {
    super({ SESSION_TTL_SECONDS: '12', ...variables }, EXPIRY_MS);
  }

  get url(): string {
    return `${this.worker.origin}/`;
  }

  /** The counts as the service shows them. */
  presence(): Promise<PresenceState> {
    return this.worker.presence();
  }

  /** A new browser profile without animations. Otherwise the orb keeps a core busy, if there is no GPU. */
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

  /**
   * An open page whose requests get made-up answers: the count that `answerWith` has set last, and a history if the service has one.
   * The Worker counts nothing.
   */
  async pageWithAnswers(
    moods: MoodCounts,
    {
      history,
      isRobot = false,
      hasMotion = false,
      hasClock = false,
      ...options
    }: Answers & BrowserContextOptions = {},
  ) {
    const context = await (hasMotion ? this.visitor(options) : this.profile(options));
    if (hasClock) await context.clock.install();
    if (isRobot) await context.addInitScript(asRobot);
    let answer = moods;
    await context.route(/\/api\/(heartbeat|presence)$/, (route) => route.fulfill({ json: stateOf(answer) }));
    await context.route('**/health', (route) => route.fulfill({ json: { hub: history ? ROOM : 'kv' } }));
    await context.route('**/api/history', (route) => route.fulfill({ json: history?.() }));
    await context.route('**/api/channels?*', (route) => route.fulfill({ json: {} }));
    const watched = await this.#openLive(context);
    const { page } = watched;
    /** Changes the counts, and waits until the page shows them. */
    async function answerWith(next: MoodCounts) {
      answer = next;
      const { count } = stateOf(next);
      const other = page.getByRole('group').getByRole('button', { pressed: false });
      await (isRobot ? page.reload() : other.first().click());
      const shownCount = (isRobot ? count : count - 1).toLocaleString('en');
      await expect.poll(() => page.locator('#count').textContent()).toBe(shownCount);
    }
    return { ...watched, context, answerWith };
  }

  async #openLive(context: BrowserContext, url = this.url) {
    const watched = await open(context, url);
    // Otherwise the page can close early, and its leave can arrive before its heartbeat.
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

/** A history of now with these last counts. The others are zero. Its timestamp is later than the first answer that the page gets. */
export function historyOf(visits: number, ...counts: readonly number[]): PresenceHistory {
  return historyAt(Date.now() + 1_000, endingWith(counts), visits);
}

function asRobot() {
  Object.defineProperty(navigator, 'webdriver', { value: true });
}

/** Runs in the page before its own code. The first style sheet removes animations, and the last one the transitions of the orb. */
function withoutAnimations() {
  document.adoptedStyleSheets = ['* { animation: none', '.lights * { transition: none'].map((rule) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`${rule} !important }`);
    return sheet;
  });
}
