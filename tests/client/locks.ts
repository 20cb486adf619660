import { GROUP } from './page';

interface Held {
  readonly steal: () => void;
}

interface Waiting {
  readonly name: string;
  readonly grant: () => void;
}

/** The locks of one browser: https://w3c.github.io/web-locks/ */
export class FakeLocks {
  readonly #held = new Map<string, Held>();
  #pending: Waiting[] = [];

  /** The names of the locks that tabs hold. */
  get held(): string[] {
    return [...this.#held.keys()];
  }

  readonly query = async () => ({ pending: this.#pending.map(({ name }) => ({ name })) });

  readonly request = (name: string, options: LockOptions, hold: () => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      const grant = () => {
        const held = { steal: () => reject(new DOMException('Stolen', 'AbortError')) };
        this.#held.set(name, held);
        void hold().then(() => {
          this.#release(name, held);
          resolve();
        });
      };
      const waiting = { name, grant };
      options.signal?.addEventListener('abort', () => {
        this.#pending = this.#pending.filter((other) => other !== waiting);
        reject(new DOMException('Aborted', 'AbortError'));
      });
      queueMicrotask(() => {
        if (options.steal) {
          this.#held.get(name)?.steal();
          grant();
        } else if (!this.#held.has(name)) grant();
        else this.#pending.push(waiting);
      });
    });

  #release(name: string, held: Held) {
    if (this.#held.get(name) !== held) return;
    this.#held.delete(name);
    const next = this.#pending.find((waiting) => waiting.name === name);
    this.#pending = this.#pending.filter((waiting) => waiting !== next);
    next?.grant();
  }

  /** Another tab takes the lock. Returns the function that releases the lock. */
  take(name = GROUP): () => void {
    this.#held.get(name)?.steal();
    const other = { steal: () => {} };
    this.#held.set(name, other);
    return () => this.#release(name, other);
  }
}
