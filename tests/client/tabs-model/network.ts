import type { Dice } from '../../../tools/simulator/dice';
import type { FakeSocket } from './fake-socket';
import type { ModelChannel, ModelChannels } from './model-channel';
import type { ModelService } from './model-service';
import type { Tab } from './tab';

/** The longest time of a request, an answer or a message between the browser and the service (ms). */
export const LATENCY_MAX_MS = 300;
const LATENCY_MIN_MS = 5;

interface Exchange {
  readonly tab: Tab;
  readonly channel: ModelChannel;
  readonly isKeptAlive: boolean;
  hasArrived: boolean;
  cancel: () => void;
  readonly reject: (error: unknown) => void;
}

/** `offline`: requests fail and sockets close. `hanging`: requests get no answer, and open sockets get no messages. */
export type Trouble = 'none' | 'offline' | 'hanging';

/** The network between the browser and the service. Each request takes its own time, so requests overtake each other. */
export class Network {
  readonly channels: ModelChannels;
  readonly sockets = new Set<FakeSocket>();
  readonly #dice: Dice;
  readonly #exchanges = new Set<Exchange>();
  readonly log: (text: string) => void;
  #trouble: Trouble = 'none';

  constructor(channels: ModelChannels, dice: Dice, log: (text: string) => void) {
    this.channels = channels;
    this.#dice = dice;
    this.log = log;
  }

  get trouble(): Trouble {
    return this.#trouble;
  }

  readonly latencyMs = (): number => this.#dice.between(LATENCY_MIN_MS, LATENCY_MAX_MS);

  setTrouble(trouble: Trouble): void {
    this.#trouble = trouble;
    if (trouble === 'none') return;
    for (const exchange of this.#exchanges) {
      exchange.cancel();
      if (exchange.isKeptAlive) exchange.channel.leaveLostAt = exchange.tab.clock.now;
      if (trouble === 'offline') this.#fail(exchange);
    }
    for (const socket of this.sockets) socket.break(trouble === 'offline');
  }

  /** The `fetch` of a tab. */
  fetchFor(tab: Tab) {
    return (input: string | URL, init: RequestInit = {}): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const { signal } = init;
        if (signal?.aborted) return reject(signal.reason);
        const { channel, action } = this.channels.at(input);
        if (action === 'heartbeat') channel.sentAt.push(tab.clock.now);
        const isKeptAlive = init.keepalive === true;
        const exchange: Exchange = { tab, channel, isKeptAlive, hasArrived: false, cancel: () => {}, reject };
        signal?.addEventListener('abort', () => {
          reject(signal.reason);
          if (this.#exchanges.has(exchange))
            this.log(`${tab.name} aborts its ${action}${inChannel(channel)}`);
          this.#stop(exchange);
        });
        if (this.#trouble !== 'none' && isKeptAlive) channel.leaveLostAt = tab.clock.now;
        if (this.#trouble === 'offline') return this.#fail(exchange);
        if (this.#trouble === 'hanging') return;
        this.#exchanges.add(exchange);
        this.#send(exchange, action, init.body as string | undefined, resolve);
      });
  }

  /** Ends the requests and the sockets of a closed or crashed tab, except requests with `keepalive`. */
  release(tab: Tab, code: number): void {
    for (const exchange of this.#exchanges)
      if (exchange.tab === tab && !exchange.isKeptAlive) this.#stop(exchange);
    for (const socket of this.sockets) if (socket.tab === tab) socket.leave(code);
  }

  #send(
    exchange: Exchange,
    action: string,
    body: string | undefined,
    resolve: (answer: unknown) => void,
  ): void {
    const { tab, channel } = exchange;
    const message = { action, body, sentAt: tab.clock.now };
    this.log(`${tab.name} sends ${action}${inChannel(channel)}`);
    exchange.cancel = tab.clock.schedule(this.latencyMs(), () => {
      exchange.hasArrived = true;
      const answer = channel.service.handle(message);
      this.log(`the ${action} of ${tab.name} arrives${inChannel(channel)}`);
      exchange.cancel = tab.clock.schedule(this.latencyMs(), () => {
        this.#exchanges.delete(exchange);
        tab.task(() => resolve(toResponse(answer)));
      });
    });
  }

  /** Aborts a request. Half of the aborted requests still arrive. */
  #stop(exchange: Exchange): void {
    if (exchange.hasArrived || this.#dice.chance(0.5)) exchange.cancel();
  }

  #fail({ tab, reject }: Exchange): void {
    tab.clock.schedule(LATENCY_MIN_MS, () => tab.task(() => reject(new TypeError('Failed to fetch'))));
  }
}

/** The channel in a log line. */
export const inChannel = ({ name }: ModelChannel) => (name === '' ? '' : ` in ${name}`);

/** The part of a `Response` that the client reads. A real `Response` takes longer than the rest of the model. */
function toResponse({ body, headers }: ReturnType<ModelService['handle']>) {
  return {
    ok: true,
    status: 200,
    headers: new Headers(headers),
    json: async () => structuredClone(body),
    text: async () => JSON.stringify(body),
  };
}
