/** Browsers that a program drives: https://w3c.github.io/webdriver/#interface. Cubot is a maker of phones. */
const ROBOT = /[^u]bot|crawl|spider|slurp|lighthouse/i;

export const isRobot = (): boolean => navigator.webdriver || ROBOT.test(navigator.userAgent);
