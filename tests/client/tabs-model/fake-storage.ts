import { Pipe } from './pipe';
import type { Tab } from './tab';

/**
 * The `localStorage` of one origin. Each tab is a process with its own copy, and reads its own writes at once. A write reaches the
 * process of the browser after one hop, and the other tabs after two hops. A new tab copies the values in the process of the browser.
 * After two crossing writes, a copy can differ from the stored value until the next write.
 */
export class FakeStorage {
  readonly #hopMs: () => number;
  readonly #stored = new Map<string, string>();
  readonly #copies = new Map<Map<string, string>, Pipe>();

  constructor(hopMs: () => number) {
    this.#hopMs = hopMs;
  }

  /** The `localStorage` of a tab. */
  areaFor(tab: Tab): object {
    const copy = new Map(this.#stored);
    this.#copies.set(copy, new Pipe(tab.clock, this.#hopMs));
    const up = new Pipe(tab.clock, this.#hopMs);
    const write = (key: string, value: string) => {
      copy.set(key, value);
      up.send(() => this.#store(copy, key, value));
    };
    return new Proxy(
      {},
      {
        get: (_, key) => copy.get(String(key)),
        set: (_, key, value) => {
          write(String(key), String(value));
          return true;
        },
      },
    );
  }

  #store(writer: Map<string, string>, key: string, value: string): void {
    this.#stored.set(key, value);
    for (const [copy, down] of this.#copies) if (copy !== writer) down.send(() => copy.set(key, value));
  }
}
