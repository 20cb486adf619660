import type { KeyValueStore } from '../../src/presence/kv/kv-hub';

/** The fault of an operation. */
type Trouble = 'throws' | 'hangs' | 'refuses' | 'lags';

const OPERATIONS = ['get', 'put', 'list', 'getOpened', 'putOpened'] as const;
/** `getOpened` and `putOpened` are operations on the keys of locations that opened. */
type Operation = (typeof OPERATIONS)[number];

export const OPENED_PREFIX = 'presence:opened:';

/** A real KV namespace that counts its operations. A test sets the fault of each operation in `trouble`. */
export class TroubledKv {
  readonly operations: Record<Operation, number> = { get: 0, put: 0, list: 0, getOpened: 0, putOpened: 0 };
  readonly trouble: Partial<Record<Operation, Trouble>> = {};
  /** The metadata of all writes to the keys of locations, the oldest first. */
  readonly summaries: unknown[] = [];
  lastGetOptions: unknown;
  readonly #kv: KVNamespace;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  get store(): Required<KeyValueStore> {
    return {
      get: ((...args: Parameters<KVNamespace['get']>) => {
        this.lastGetOptions = args[1];
        return this.#run(isOpened(args[0]) ? 'getOpened' : 'get', () => this.#kv.get(...args));
      }) as KVNamespace['get'],
      getWithMetadata: ((...args: Parameters<KVNamespace['getWithMetadata']>) => {
        this.lastGetOptions = args[1];
        return this.#run('get', () => this.#kv.getWithMetadata(...args));
      }) as KVNamespace['getWithMetadata'],
      put: (...args) => {
        if (isOpened(args[0])) return this.#run('putOpened', () => this.#kv.put(...args));
        return this.#run('put', () => {
          this.summaries.push(args[2]?.metadata);
          return this.#kv.put(...args);
        });
      },
      list: ((...args: Parameters<KVNamespace['list']>) =>
        this.#run('list', () => this.#kv.list(...args))) as KVNamespace['list'],
    };
  }

  /** Sets the fault of all operations. */
  set all(trouble: Trouble | undefined) {
    for (const operation of OPERATIONS) {
      if (trouble === undefined) delete this.trouble[operation];
      else this.trouble[operation] = trouble;
    }
  }

  async #run<Result>(operation: Operation, work: () => Promise<Result>): Promise<Result> {
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

const isOpened = (key: unknown) => typeof key === 'string' && key.startsWith(OPENED_PREFIX);
