import { commandOf, type Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

const VIOLATIONS_MAX = 5;

/** The first violations of a run: each as a sentence with its time and the command that repeats the run. */
export class Violations {
  readonly list: string[] = [];
  readonly #time: VirtualTime;
  readonly #scenario: Scenario;
  readonly #start: number;

  constructor(time: VirtualTime, scenario: Scenario) {
    this.#time = time;
    this.#scenario = scenario;
    this.#start = time.now;
  }

  readonly add = (what: string): void => {
    if (this.list.length >= VIOLATIONS_MAX) return;
    const at = ((this.#time.now - this.#start) / 1000).toFixed(3);
    this.list.push(`at ${at} s: ${what}\n  ${commandOf(this.#scenario)}`);
  };
}
