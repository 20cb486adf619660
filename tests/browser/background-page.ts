import type { Browser, CDPSession } from 'playwright-core';

/** Options for a Chromium that slows hidden pages down. Otherwise options of Playwright turn this off. */
export const THROTTLED = {
  ignoreDefaultArgs: [
    '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
  ],
  // Chromium slows a page down after 10 s in the background. The default is 5 minutes.
  args: ['--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10'],
};

/**
 * A page in its own window, which can be minimized. Pages of Playwright stay visible, so this one uses the protocol of DevTools:
 * https://chromedevtools.github.io/devtools-protocol/tot/Target/
 */
export class BackgroundPage {
  readonly #browser: CDPSession;
  readonly #targetId: string;
  readonly #sessionId: string;

  private constructor(browser: CDPSession, targetId: string, sessionId: string) {
    this.#browser = browser;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
  }

  static async open(browser: Browser, url: string): Promise<BackgroundPage> {
    const session = await browser.newBrowserCDPSession();
    const { targetId } = await session.send('Target.createTarget', { url, newWindow: true });
    const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
    return new BackgroundPage(session, targetId, sessionId);
  }

  async setWindow(windowState: 'minimized' | 'normal'): Promise<void> {
    const { windowId } = await this.#browser.send('Browser.getWindowForTarget', { targetId: this.#targetId });
    await this.#browser.send('Browser.setWindowBounds', { windowId, bounds: { windowState } });
  }

  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown> {
    const id = Math.ceil(Math.random() * 1e9);
    return new Promise((resolve, reject) => {
      const receive = ({ message }: { message: string }) => {
        const answer = JSON.parse(message);
        if (answer.id !== id) return;
        this.#browser.off('Target.receivedMessageFromTarget', receive);
        resolve(answer.result?.result?.value);
      };
      this.#browser.on('Target.receivedMessageFromTarget', receive);
      const message = { id, method: 'Runtime.evaluate', params: { expression, returnByValue: true } };
      this.#browser
        .send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message: JSON.stringify(message) })
        .catch(reject);
    });
  }
}
