import { Pipe } from './pipe';
import type { Tab } from './tab';

type Callback = (lock: { readonly name: string; readonly mode: LockMode } | null) => unknown;

interface Entry {
  readonly tab: Tab;
  readonly name: string;
  readonly mode: LockMode;
  readonly options: LockOptions;
  readonly callback: Callback;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** The Web Locks of one origin: https://w3c.github.io/web-locks/. Each call and each answer takes one hop between processes. */
export class FakeLocks {
  readonly #hopMs: () => number;
  #held: Entry[] = [];
  #pending: Entry[] = [];
  readonly #toManager = new Map<Tab, Pipe>();
  readonly #toTab = new Map<Tab, Pipe>();

  constructor(hopMs: () => number) {
    this.#hopMs = hopMs;
  }

  /** The `navigator.locks` of a tab. */
  managerFor(tab: Tab) {
    return {
      request: (name: string, ...rest: [Callback] | [LockOptions, Callback]) =>
        this.#request(tab, name, rest.length === 1 ? {} : rest[0], rest.at(-1) as Callback),
      query: () =>
        new Promise((resolve) => {
          this.#send(this.#toManager, tab, () => {
            const infos = (entries: Entry[]) => entries.map(({ name, mode }) => ({ name, mode }));
            const snapshot = { held: infos(this.#held), pending: infos(this.#pending) };
            this.#send(this.#toTab, tab, () => tab.task(() => resolve(snapshot)));
          });
        }),
    };
  }

  /** Releases all locks of a closed or crashed tab, and drops its requests. */
  release(tab: Tab): void {
    this.#send(this.#toManager, tab, () => {
      this.#held = this.#held.filter((entry) => entry.tab !== tab);
      this.#pending = this.#pending.filter((entry) => entry.tab !== tab);
      this.#grantAll();
    });
  }

  #request(tab: Tab, name: string, options: LockOptions, callback: Callback): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal, mode = 'exclusive' } = options;
      if (signal?.aborted) return reject(signal.reason);
      const entry: Entry = { tab, name, mode, options, callback, resolve, reject };
      signal?.addEventListener('abort', () => this.#abort(entry));
      this.#send(this.#toManager, tab, () => this.#enqueue(entry));
    });
  }

  #enqueue(entry: Entry): void {
    const { tab, options } = entry;
    if (tab.isClosed) return;
    if (options.steal) {
      const stolen = this.#held.filter(({ name }) => name === entry.name);
      this.#held = this.#held.filter(({ name }) => name !== entry.name);
      for (const { tab, reject } of stolen)
        this.#send(this.#toTab, tab, () => tab.task(() => reject(new DOMException('stolen', 'AbortError'))));
      this.#pending.unshift(entry);
    } else if (options.ifAvailable && !this.#isGrantable(entry)) {
      this.#send(this.#toTab, tab, () => tab.task(() => entry.resolve(entry.callback(null))));
    } else this.#pending.push(entry);
    this.#grantAll();
  }

  /** Aborts a request that is not granted yet: the promise rejects at once. */
  #abort(entry: Entry): void {
    if (!this.#held.includes(entry)) entry.reject(entry.options.signal?.reason);
    this.#send(this.#toManager, entry.tab, () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
      this.#grantAll();
    });
  }

  #grantAll(): void {
    for (const entry of [...this.#pending]) if (this.#isGrantable(entry)) this.#grant(entry);
  }

  #isGrantable(entry: Entry): boolean {
    const earlier = this.#pending.slice(0, Math.max(0, this.#pending.indexOf(entry)));
    return [...this.#held, ...earlier].every(
      ({ name, mode }) => name !== entry.name || (mode === 'shared' && entry.mode === 'shared'),
    );
  }

  #grant(entry: Entry): void {
    const { tab, name, mode, options, callback, resolve, reject } = entry;
    this.#pending = this.#pending.filter((other) => other !== entry);
    this.#held.push(entry);
    const release = () =>
      this.#send(this.#toManager, tab, () => {
        this.#held = this.#held.filter((other) => other !== entry);
        this.#grantAll();
      });
    const run = () => {
      if (options.signal?.aborted) return release();
      void new Promise((settle) => settle(callback({ name, mode }))).then(
        (value) => [release(), resolve(value)],
        (error) => [release(), reject(error)],
      );
    };
    this.#send(this.#toTab, tab, () => tab.task(run));
  }

  #send(pipes: Map<Tab, Pipe>, tab: Tab, deliver: () => void): void {
    const pipe = pipes.get(tab) ?? new Pipe(tab.clock, this.#hopMs);
    pipes.set(tab, pipe);
    pipe.send(deliver);
  }
}
