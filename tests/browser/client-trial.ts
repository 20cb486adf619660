import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Presence } from '../../src/client/presence';
import { DeployedWorker } from '../support/deployed-worker';
import { launch } from './chromium';
import { OtherSite } from './other-site';
import { close, open } from './watched-page';

declare global {
  interface Window {
    presence: Presence;
  }
}

export type HubName = 'kv' | 'durable-object';

/** Short times, so that a session expires within a test. */
export const TTL_MS = 4_000;
export const INTERVAL_MS = 1_200;

/** A Worker with one hub, a site of another origin that uses its client, and a browser. All end with the test file. */
export class ClientTrial {
  readonly hub: HubName;
  /** Heartbeats that the browsers of this file have sent. */
  heartbeats = 0;
  readonly #intervalMs: number | undefined;
  #worker: DeployedWorker | undefined;
  #site: OtherSite | undefined;
  #browser: Browser | undefined;
  #contexts: BrowserContext[] = [];

  /** To be called where tests are defined: it registers what happens before and after them. */
  constructor(hub: HubName, { ttlMs = TTL_MS } = {}) {
    this.hub = hub;
    this.#intervalMs = ttlMs === TTL_MS ? INTERVAL_MS : undefined;
    beforeAll(async () => {
      const variables = { SESSION_TTL_SECONDS: String(ttlMs / 1_000), PRESENCE_HUB: hub };
      this.#worker = await DeployedWorker.start(variables);
      this.#site = await OtherSite.start(this.#worker.origin);
      this.#browser = await launch();
    });
    afterEach(async () => {
      for (const context of this.#contexts.splice(0)) await close(context);
      await expect.poll(this.count).toBe(0);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#site?.close();
      await this.#worker?.dispose();
    });
  }

  get worker(): DeployedWorker {
    return started(this.#worker);
  }

  get site(): OtherSite {
    return started(this.#site);
  }

  /** A browser profile without any state, as of a new visitor. */
  async visitor(): Promise<BrowserContext> {
    const context = await started(this.#browser).newContext();
    this.#contexts.push(context);
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

  readonly count = async (): Promise<number> => (await this.worker.presence()).count;

  /** The smallest and the largest count that the service shows while something happens, and half a second longer. */
  async countsWhile(happens: () => Promise<unknown>): Promise<readonly [number, number]> {
    const seen: number[] = [];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        seen.push(await this.count());
        await pause(25);
      }
    })();
    await happens();
    await pause(500);
    isOver = true;
    await watching;
    return [Math.min(...seen), Math.max(...seen)];
  }
}

/** A part of a trial, which `beforeAll` starts. */
export function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('The trial has not started.');
  return part;
}
