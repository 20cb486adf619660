import { Pipe } from './pipe';
import type { Tab } from './tab';

/** The broadcast channels of one origin. Each other open channel with the same name receives a message in a task of its tab. */
export class FakeChannels {
  readonly #hopMs: () => number;
  readonly #open = new Set<Channel>();
  /** The number of messages that the tabs have sent. */
  sent = 0;

  constructor(hopMs: () => number) {
    this.#hopMs = hopMs;
  }

  /** The `BroadcastChannel` of a tab. */
  classFor(tab: Tab) {
    const [open, hopMs] = [this.#open, this.#hopMs];
    const count = () => {
      this.sent += 1;
    };
    return class extends EventTarget implements Channel {
      readonly tab = tab;
      readonly pipe = new Pipe(tab.clock, hopMs);
      readonly name: string;
      onmessage: ((event: MessageEvent) => void) | null = null;

      constructor(name: string) {
        super();
        this.name = name;
        open.add(this);
      }

      postMessage(message: unknown): void {
        if (!open.has(this)) throw new DOMException('closed', 'InvalidStateError');
        count();
        const text = JSON.stringify({ message });
        for (const other of open) {
          if (other === this || other.name !== this.name) continue;
          other.pipe.send(() => other.tab.task(() => other.receive(JSON.parse(text).message)));
        }
      }

      receive(data: unknown): void {
        if (!open.has(this)) return;
        const event = new MessageEvent('message', { data });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      }

      close(): void {
        open.delete(this);
      }
    };
  }

  /** Closes the channels of a closed tab. */
  release(tab: Tab): void {
    for (const channel of this.#open) if (channel.tab === tab) this.#open.delete(channel);
  }
}

interface Channel {
  readonly tab: Tab;
  readonly name: string;
  readonly pipe: Pipe;
  receive(data: unknown): void;
}
