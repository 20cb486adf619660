import { setTimeout as pause } from 'node:timers/promises';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Presence } from '../../src/client/presence';
import { started } from '../support/started';
import { BrowserTrial } from './browser-trial';
import { OtherSite } from './other-site';
import { open } from './watched-page';

declare global {
  interface Window {
    presence: Presence;
  }
}

export type HubName = 'kv' | 'durable-object';

/** Short times. Otherwise no session expires within a test. */
export const TTL_MS = 4_000;
export const INTERVAL_MS = 1_200;
/** The leave of a closed tab ends its session in less than this time. */
const EXPIRY_MS = 10_000;

/** A Worker with one hub, a site of another origin that uses its client, and a browser. All end with the test file. */
export class ClientTrial extends BrowserTrial {
  readonly hub: HubName;
  /** Heartbeats that the browsers of this file have sent. */
  heartbeats = 0;
  readonly #intervalMs: number | undefined;
  #site: OtherSite | undefined;

  constructor(hub: HubName, { ttlMs = TTL_MS, channels = '' } = {}) {
    const variables = { SESSION_TTL_SECONDS: String(ttlMs / 1_000), PRESENCE_HUB: hub };
    super({ ...variables, ...(channels !== '' && { CHANNELS: channels }) }, EXPIRY_MS);
    this.hub = hub;
    this.#intervalMs = ttlMs === TTL_MS ? INTERVAL_MS : undefined;
    beforeAll(async () => {
      this.#site = await OtherSite.start(this.worker.origin);
    });
    afterAll(() => this.#site?.close());
  }

  get site(): OtherSite {
    return started(this.#site);
  }

  override async visitor(): Promise<BrowserContext> {
    const context = await super.visitor();
    context.on('request', (request) => {
      if (request.url().endsWith('/api/heartbeat')) this.heartbeats += 1;
    });
    return context;
  }

  /** The address of a page whose title is the snapshot, such as `live 2`. */
  plainPage(options = "mood: 'gratitude'"): string {
    const script = `
      import { createPresence } from '${this.worker.origin}/presence.js';
      window.presence = createPresence({ ${options}, intervalMs: ${this.#intervalMs} });
      presence.subscribe(({ status, data }) => { document.title = status + ' ' + data?.count; });
      presence.start();
    `;
    return this.site.add('plain', { script });
  }

  /** Opens the plain page and waits for its first snapshot. */
  async openPlain(context: BrowserContext) {
    const opened = await open(context, this.plainPage());
    await expect.poll(() => opened.page.title()).toBe('live 1');
    return opened;
  }

  /** The smallest and the largest count of the service during an action, and for 0.5 s after it. */
  async countsWhile(action: () => Promise<unknown>): Promise<readonly [number, number]> {
    const seen: number[] = [];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        seen.push(await this.count());
        await pause(25);
      }
    })();
    await action();
    await pause(500);
    isOver = true;
    await watching;
    return [Math.min(...seen), Math.max(...seen)];
  }
}
