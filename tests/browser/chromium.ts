import { type Browser, chromium } from 'playwright-core';
import { inject } from 'vitest';

export const NO_CHROMIUM = inject('chromium') === null;

/** Otherwise `navigator.webdriver` is true, and the client of a page only watches. */
const AS_A_PERSON = '--disable-blink-features=AutomationControlled';

type LaunchOptions = NonNullable<Parameters<typeof chromium.launch>[0]>;

/** @param options Options of Playwright. With `asRobot`, pages know that a program drives the browser. */
export function launch({
  asRobot = false,
  args = [],
  ...options
}: LaunchOptions & { asRobot?: boolean } = {}): Promise<Browser> {
  // As root, for example in a container, Chromium has no sandbox. The tests open only pages of this machine.
  return chromium.launch({
    ...inject('chromium'),
    chromiumSandbox: false,
    args: asRobot ? args : [AS_A_PERSON, ...args],
    ...options,
  });
}
