import type { Context } from 'hono';
import { LIMITER_WAIT_MAX_MS } from '../limits';
import type { Trouble } from '../presence/trouble';
import type { Report } from '../rate-limited-log';
import type { Runtime } from '../runtime';

interface NewSessionsOptions {
  /** The binding; `off` if the settings limit no new sessions; undefined if the binding is missing. */
  readonly limiter: RateLimit | 'off' | undefined;
  /** The same for sessions that open a channel. */
  readonly channelLimiter: RateLimit | 'off' | undefined;
  readonly runtime: Pick<Runtime, 'sleep'>;
  readonly report: Report;
}

/**
 * Limits the new sessions of one network, and more tightly those that open a channel, by the address that the platform reports. Only the limiter receives the address.
 *
 * The limit is not exact: the platform counts per location, and lets more sessions pass rather than fewer. Without an address,
 * or if the limiter fails, every session passes.
 * https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/#accuracy
 */
export class NewSessions {
  readonly #limiter: RateLimit | 'off' | undefined;
  readonly #channelLimiter: RateLimit | 'off' | undefined;
  readonly #runtime: Pick<Runtime, 'sleep'>;
  readonly #report: Report;
  #hasFailed = false;

  constructor({ limiter, channelLimiter, runtime, report }: NewSessionsOptions) {
    this.#limiter = limiter;
    this.#channelLimiter = channelLimiter;
    this.#runtime = runtime;
    this.#report = report;
  }

  /** Why new sessions are not limited against the settings; undefined if the limit works. */
  get trouble(): Trouble | undefined {
    if (this.#limiter === undefined || this.#channelLimiter === undefined) return 'no-limiter';
    return this.#hasFailed ? 'limiter-failed' : undefined;
  }

  /** Counts one new session of the client's network. Resolves to whether it is within the limit. Never rejects. */
  async isWithinLimit(c: Context, opensChannel: boolean): Promise<boolean> {
    // The platform overwrites what a client sends: https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip
    const address = c.req.header('CF-Connecting-IP');
    if (opensChannel && !(await this.#allows(this.#channelLimiter, 'NEW_CHANNELS', address))) return false;
    return this.#allows(this.#limiter, 'NEW_SESSIONS', address);
  }

  async #allows(
    limiter: RateLimit | 'off' | undefined,
    name: string,
    address: string | undefined,
  ): Promise<boolean> {
    if (limiter === undefined) this.#report(`${name} is not bound, so new sessions are not limited`);
    if (limiter === undefined || limiter === 'off' || address === undefined) return true;
    return this.#ask(limiter, address);
  }

  async #ask(limiter: RateLimit, address: string): Promise<boolean> {
    try {
      const limited = limiter.limit({ key: networkOf(address) });
      const outcome = await Promise.race([limited, this.#runtime.sleep(LIMITER_WAIT_MAX_MS)]);
      if (outcome === undefined) throw new Error('The limiter did not answer.');
      this.#hasFailed = false;
      return outcome.success;
    } catch (error) {
      this.#hasFailed = true;
      this.#report('new sessions are not limited', error);
      return true;
    }
  }
}

/**
 * The IPv4 address, or the IPv6 network of 64 bits. A client can use every address in its network:
 * https://www.rfc-editor.org/rfc/rfc6177#section-2
 */
function networkOf(address: string): string {
  // An IPv4 address may arrive as ::ffff:192.0.2.1
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  const [head = '', tail] = address.split('::');
  const front = head.split(':');
  const back = tail?.split(':') ?? [];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - front.length - back.length }, () => '0');
  const groups = [...front, ...zeros, ...back].slice(0, 4);
  return groups.map((group) => Number.parseInt(group || '0', 16)).join(':');
}
