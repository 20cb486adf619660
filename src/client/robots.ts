/** Browsers that a program drives: https://w3c.github.io/webdriver/#interface. Cubot is a maker of phones. */
const ROBOT = /[^u]bot|crawl|spider|slurp|lighthouse/i;

/** Returns false where there is no browser. */
export const isRobot = (): boolean => {
  const { webdriver, userAgent } = globalThis.navigator ?? {};
  return webdriver || ROBOT.test(userAgent);
};
