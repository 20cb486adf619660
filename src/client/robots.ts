/** Matches the user agents of crawlers. It does not match phones of the maker Cubot. */
const ROBOT = /[^u]bot|crawl|spider|slurp|lighthouse/i;

/** Whether a crawler or a program drives the browser: https://w3c.github.io/webdriver/#interface. False without a browser. */
export const isRobot = (): boolean => {
  const { webdriver, userAgent } = globalThis.navigator ?? {};
  return webdriver || ROBOT.test(userAgent);
};
