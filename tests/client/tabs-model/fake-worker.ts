import { FakeTimers } from './fake-timers';
import { Pipe } from './pipe';
import type { Tab } from './tab';

/** Object URLs of one tab. */
export class ObjectUrls {
  readonly #sources = new Map<string, string>();
  readonly #uuid: () => string;

  constructor(uuid: () => string) {
    this.#uuid = uuid;
  }

  create(blob: FakeBlob): string {
    const url = `blob:https://site.example/${this.#uuid()}`;
    this.#sources.set(url, blob.source);
    return url;
  }

  read(url: string): string {
    const source = this.#sources.get(url);
    if (source === undefined) throw new Error(`no object has the URL ${url}`);
    return source;
  }
}

/** The part of a `Blob` that an object URL needs. */
export class FakeBlob {
  readonly source: string;

  constructor(parts: readonly string[] = []) {
    this.source = parts.join('');
  }
}

/** The `Worker` of a tab. It runs classic code from an object URL. The browser never throttles its timers. */
export function workerClassFor(tab: Tab, urls: ObjectUrls, hopMs: () => number, date: unknown) {
  return class {
    onmessage: ((event: { data: unknown }) => void) | null = null;
    readonly #timers = new FakeTimers(tab.clock);
    readonly #inbox = new Pipe(tab.clock, hopMs);
    readonly #outbox = new Pipe(tab.clock, hopMs);
    readonly #scope: Record<string, unknown> & { onmessage: ((event: { data: unknown }) => void) | null };
    #isTerminated = false;

    constructor(url: string) {
      tab.workerTimers.push(this.#timers);
      this.#scope = {
        onmessage: null,
        postMessage: (data: unknown) => this.#outbox.send(() => tab.task(() => this.#receive(data))),
        setTimeout: this.#timers.set,
        clearTimeout: this.#timers.clear,
        performance: { now: () => tab.clock.now - tab.openedAt },
        Date: date,
      };
      this.#scope['self'] = this.#scope;
      new Function('scope', `with (scope) { ${urls.read(url)} }`)(this.#scope);
    }

    postMessage(data: unknown): void {
      this.#inbox.send(() => tab.task(() => this.#isTerminated || this.#scope.onmessage?.({ data })));
    }

    terminate(): void {
      this.#isTerminated = true;
      this.#timers.pause();
    }

    #receive(data: unknown): void {
      if (!this.#isTerminated) this.onmessage?.({ data });
    }
  };
}
