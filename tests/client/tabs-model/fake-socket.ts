import type { ModelChannel } from './model-channel';
import type { Port } from './model-service';
import { inChannel, type Network } from './network';
import { Pipe } from './pipe';
import type { Tab } from './tab';

const ABNORMAL = 1006;

/** A `WebSocket` to the model service. The messages of each direction arrive in the order of sending. */
export class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  readonly tab: Tab;
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: Event) => void) | null = null;
  onclose: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly #network: Network;
  readonly #channel: ModelChannel;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #port: Port;
  #isBroken = false;

  constructor(tab: Tab, network: Network, url: string) {
    super();
    this.tab = tab;
    this.#network = network;
    this.#channel = network.channels.at(url).channel;
    this.#up = new Pipe(tab.clock, network.latencyMs);
    this.#down = new Pipe(tab.clock, network.latencyMs);
    this.#port = {
      send: (data) => this.#toPage(() => this.#fire('message', { data })),
      close: (code) => this.#toPage(() => this.#end(code)),
    };
    this.#channel.sentAt.push(tab.clock.now);
    network.sockets.add(this);
    if (network.trouble !== 'none') this.break(network.trouble === 'offline');
    else this.#open();
  }

  #open(): void {
    this.#network.log(`${this.tab.name} opens a socket${inChannel(this.#channel)}`);
    this.#toService(() => {
      this.#toPage(() => {
        if (this.readyState !== 0) return;
        this.readyState = 1;
        this.#fire('open');
      });
      this.#channel.service.openSocket(this.#port);
    });
  }

  send(text: string): void {
    if (this.readyState === 0) throw new DOMException('still connecting', 'InvalidStateError');
    if (this.readyState !== 1) return;
    this.#network.log(`${this.tab.name} sends ${text} on its socket${inChannel(this.#channel)}`);
    const sentAt = this.tab.clock.now;
    this.#toService(() => this.#channel.service.receive(this.#port, text, sentAt));
  }

  close(code = 1005): void {
    if (code !== 1005 && code !== 1000 && (code < 3000 || code > 4999))
      throw new DOMException(`code ${code}`, 'InvalidAccessError');
    if (this.readyState >= 2) return;
    const isConnecting = this.readyState === 0;
    this.readyState = 2;
    this.#closeAtService(isConnecting ? ABNORMAL : code);
    this.#toService(() => this.#toPage(() => this.#end(code)));
  }

  /** The tab closes. The service receives the close, and the page gets no event. */
  leave(code: number): void {
    if (this.readyState < 2) this.#closeAtService(code);
    this.readyState = 3;
    this.#network.sockets.delete(this);
  }

  /** The connection breaks. The service keeps the socket until its session expires. */
  break(isNoticed: boolean): void {
    this.#isBroken = true;
    this.#network.sockets.delete(this);
    if (isNoticed)
      this.tab.clock.schedule(this.#network.latencyMs(), () => this.tab.task(() => this.#end(ABNORMAL)));
  }

  #closeAtService(code: number): void {
    const sentAt = this.tab.clock.now;
    this.#network.log(`${this.tab.name} closes its socket with ${code}${inChannel(this.#channel)}`);
    this.#toService(() => this.#channel.service.closeSocket(this.#port, code, sentAt));
  }

  #end(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#network.sockets.delete(this);
    this.#fire('close', { code, wasClean: code !== ABNORMAL });
  }

  #toService(deliver: () => void): void {
    this.#up.send(() => this.#isBroken || deliver());
  }

  #toPage(deliver: () => void): void {
    this.#down.send(() => this.tab.task(() => this.#isBroken || deliver()));
  }

  #fire(type: 'open' | 'message' | 'close', properties: object = {}): void {
    if (type === 'message' && this.readyState !== 1) return;
    const event = Object.assign(new Event(type), properties);
    this.dispatchEvent(event);
    this[`on${type}`]?.(event);
  }
}
