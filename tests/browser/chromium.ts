import { type Browser, chromium } from 'playwright-core';
import { inject } from 'vitest';

export const NO_CHROMIUM = inject('chromium') === null;

/** @param options Of Playwright, besides where the browser is. */
export function launch(options: Parameters<typeof chromium.launch>[0] = {}): Promise<Browser> {
  // The tests open pages of this machine only; and as root, as in a container, Chromium has no sandbox.
  return chromium.launch({ ...inject('chromium'), chromiumSandbox: false, ...options });
}
