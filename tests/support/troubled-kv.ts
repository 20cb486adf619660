import type { KeyValueStore } from '../../src/presence/kv/kv-hub';

/** What a namespace does at `get`, `put` or `list` instead of its work. */
type Trouble = 'throws' | 'hangs' | 'refuses' | 'lags';

/** A real KV namespace that counts what it is asked, and fails where and how a test says. */
export class TroubledKv {
  readonly operations = { get: 0, put: 0, list: 0 };
  readonly trouble: { get?: Trouble; put?: Trouble; list?: Trouble } = {};
  lastGetOptions: unknown;
  readonly #kv: KVNamespace;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  get store(): KeyValueStore {
    return {
      get: ((...args: Parameters<KVNamespace['get']>) => {
        this.lastGetOptions = args[1];
        return this.#run('get', () => this.#kv.get(...args));
      }) as KVNamespace['get'],
      getWithMetadata: ((...args: Parameters<KVNamespace['getWithMetadata']>) => {
        this.lastGetOptions = args[1];
        return this.#run('get', () => this.#kv.getWithMetadata(...args));
      }) as KVNamespace['getWithMetadata'],
      put: (...args) => this.#run('put', () => this.#kv.put(...args)),
      list: ((...args: Parameters<KVNamespace['list']>) =>
        this.#run('list', () => this.#kv.list(...args))) as KVNamespace['list'],
    };
  }

  /** All operations fail in the same way, or none does. */
  set all(trouble: Trouble | undefined) {
    for (const operation of ['get', 'put', 'list'] as const) {
      if (trouble === undefined) delete this.trouble[operation];
      else this.trouble[operation] = trouble;
    }
  }

  async #run<Result>(operation: 'get' | 'put' | 'list', work: () => Promise<Result>): Promise<Result> {
    this.operations[operation] += 1;
    switch (this.trouble[operation]) {
      case 'throws':
        throw new Error(`KV ${operation.toUpperCase()} failed: 500 Internal Server Error`);
      case 'refuses':
        throw new Error(`KV ${operation.toUpperCase()} failed: 429 Too Many Requests`);
      case 'lags':
        await new Promise((resolve) => setTimeout(resolve, 50));
        return work();
      case 'hangs':
        return new Promise(() => undefined);
      default:
        return work();
    }
  }
}
