interface Held {
  readonly steal: () => void;
}

/** The lock of one name, for a page whose browser has locks: https://w3c.github.io/web-locks/ */
export class FakeLocks {
  held: Held | undefined;
  readonly #pending: { readonly name: string; readonly grant: () => void }[] = [];

  readonly query = async () => ({ pending: this.#pending.map(({ name }) => ({ name })) });

  readonly request = (name: string, options: LockOptions, hold: () => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      const grant = () => {
        const held = { steal: () => reject(new DOMException('Stolen', 'AbortError')) };
        this.held = held;
        void hold().then(() => {
          if (this.held === held) this.#free();
          resolve();
        });
      };
      const waiting = { name, grant };
      options.signal?.addEventListener('abort', () => {
        if (this.#pending.includes(waiting)) this.#pending.splice(this.#pending.indexOf(waiting), 1);
        reject(new DOMException('Aborted', 'AbortError'));
      });
      queueMicrotask(() => {
        if (options.steal) {
          this.held?.steal();
          grant();
        } else if (this.held === undefined) grant();
        else this.#pending.push(waiting);
      });
    });

  #free() {
    this.held = undefined;
    this.#pending.shift()?.grant();
  }

  /** Another tab takes the lock. Returns what releases it. */
  take(): () => void {
    this.held?.steal();
    const other = { steal: () => {} };
    this.held = other;
    return () => {
      if (this.held === other) this.#free();
    };
  }
}
