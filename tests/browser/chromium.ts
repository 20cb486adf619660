import { type Browser, chromium } from 'playwright-core';
import { inject } from 'vitest';

export const NO_CHROMIUM = inject('chromium') === null;

/** Otherwise `navigator.webdriver` is true, and the client of a page only watches. */
const AS_A_PERSON = '--disable-blink-features=AutomationControlled';

type LaunchOptions = NonNullable<Parameters<typeof chromium.launch>[0]>;

/** @param options Of Playwright, besides where the browser is. `asRobot` shows pages that a program drives the browser. */
export function launch({
  asRobot = false,
  args = [],
  ...options
}: LaunchOptions & { asRobot?: boolean } = {}): Promise<Browser> {
  // The tests open pages of this machine only; and as root, as in a container, Chromium has no sandbox.
  return chromium.launch({
    ...inject('chromium'),
    chromiumSandbox: false,
    args: asRobot ? args : [AS_A_PERSON, ...args],
    ...options,
  });
}
