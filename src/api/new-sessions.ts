import type { Context } from 'hono';
import { LIMITER_WAIT_MAX_MS } from '../limits';
import { TROUBLES, type Trouble } from '../presence/trouble';
import type { Report } from '../rate-limited-log';
import type { Runtime } from '../runtime';

interface NewSessionsOptions {
  /** The binding; `off` if the settings limit no new sessions; undefined if the binding is missing. */
  readonly limiter: RateLimit | 'off' | undefined;
  /** The limiter of sessions that open a channel, in the same form. */
  readonly channelLimiter: RateLimit | 'off' | undefined;
  readonly runtime: Pick<Runtime, 'sleep'>;
  readonly report: Report;
}

/**
 * Limits the new sessions of one network, and more tightly those that open a channel. The address that the platform reports is the
 * key. Only the limiter receives it.
 *
 * The limit is not exact: the platform counts per location, and lets more sessions pass rather than fewer. Without an address,
 * or if the limiter fails, every session passes.
 * https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/#accuracy
 */
export class NewSessions {
  readonly #sessions: Limiter;
  readonly #channels: Limiter;

  constructor({ limiter, channelLimiter, runtime, report }: NewSessionsOptions) {
    this.#sessions = new Limiter('NEW_SESSIONS', limiter, runtime, report);
    this.#channels = new Limiter('NEW_CHANNELS', channelLimiter, runtime, report);
  }

  /** Why new sessions are not limited although the settings limit them; undefined if the limiters work. */
  get trouble(): Trouble | undefined {
    const troubles = [this.#sessions.trouble, this.#channels.trouble];
    return TROUBLES.find((one) => troubles.includes(one));
  }

  /**
   * Counts one new session of the client's network. Resolves to whether it is within the limit. Never rejects.
   *
   * @param kind Live sockets in empty channels have a limit of their own. Otherwise sockets that only watch use up that of sessions.
   */
  async isWithinLimit(c: Context, opensChannel: boolean, kind: '' | 'live ' = ''): Promise<boolean> {
    return (!opensChannel || (await this.#channels.allows(c, kind))) && this.#sessions.allows(c);
  }
}

/** One limiter of the platform. */
class Limiter {
  readonly #name: string;
  readonly #limiter: RateLimit | 'off' | undefined;
  readonly #runtime: Pick<Runtime, 'sleep'>;
  readonly #report: Report;
  #hasFailed = false;

  constructor(
    name: string,
    limiter: RateLimit | 'off' | undefined,
    runtime: Pick<Runtime, 'sleep'>,
    report: Report,
  ) {
    this.#name = name;
    this.#limiter = limiter;
    this.#runtime = runtime;
    this.#report = report;
  }

  get trouble(): Trouble | undefined {
    if (this.#limiter === undefined) return 'no-limiter';
    return this.#hasFailed ? 'limiter-failed' : undefined;
  }

  /** @param kind Requests of each kind count by themselves. */
  async allows(c: Context, kind = ''): Promise<boolean> {
    // The platform overwrites what a client sends: https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip
    const address = c.req.header('CF-Connecting-IP');
    if (this.#limiter === undefined)
      this.#report(`${this.#name} is not bound, so new sessions are not limited`);
    if (this.#limiter === undefined || this.#limiter === 'off' || address === undefined) return true;
    try {
      const limited = this.#limiter.limit({ key: kind + networkOf(address) });
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
