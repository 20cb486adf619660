import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { DeployedWorker } from '../support/deployed-worker';
import { started } from '../support/started';
import { launch } from './chromium';
import { close } from './watched-page';

/** A Worker and a browser. Both end with the test file, and each test ends without sessions. */
export class BrowserTrial {
  #worker: DeployedWorker | undefined;
  #browser: Browser | undefined;
  #contexts: BrowserContext[] = [];

  /**
   * Call it where tests are defined: it registers the hooks that start and end the parts.
   *
   * @param expiryMs How long the sessions of a test may last after it.
   */
  constructor(variables: Record<string, string>, expiryMs: number) {
    beforeAll(async () => {
      this.#worker = await DeployedWorker.start(variables);
      this.#browser = await launch();
    });
    afterEach(async () => {
      for (const context of this.#contexts.splice(0)) await close(context);
      await expect.poll(this.count, { timeout: expiryMs }).toBe(0);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#worker?.dispose();
    });
  }

  get worker(): DeployedWorker {
    return started(this.#worker);
  }

  readonly count = async (): Promise<number> => (await this.worker.presence()).count;

  /** A new browser profile, as of a new visitor. The trial closes it after the test. */
  async visitor(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await started(this.#browser).newContext(options);
    this.#contexts.push(context);
    return context;
  }
}
