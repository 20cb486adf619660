import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { LiveClient } from '../../tests/support/live-client';
import { Service } from '../../tests/support/service';
import { sessionId } from '../../tests/support/session-id';

const TTL_SECONDS = 10;
const SYNC_SECONDS = 3;
const ISOLATES = 2;
const PEOPLE = 2_000;
const SOCKETS = 50;
const CONCURRENT = 48;

/** A mixed load on a service, and its results. */
export class MixedLoad {
  readonly #service: Service;
  readonly #origins: readonly URL[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });
  readonly outcomes = new Map<string, number>();
  readonly unintended: string[] = [];
  #stops = false;
  #requests = 0;

  private constructor(service: Service, origins: readonly URL[]) {
    this.#service = service;
    this.#origins = origins;
  }

  static async start(scriptPath: string, hub: string): Promise<MixedLoad> {
    const variables = {
      PRESENCE_HUB: hub,
      SESSION_TTL_SECONDS: String(TTL_SECONDS),
      SYNC_INTERVAL_SECONDS: String(SYNC_SECONDS),
    };
    const service = new Service(ISOLATES, variables, scriptPath);
    const origins = await Promise.all(Array.from({ length: ISOLATES }, (_, n) => service.origin(n)));
    return new MixedLoad(service, origins);
  }

  get requests(): number {
    return this.#requests;
  }

  /** Each sender sends its next request after the response, until `stop`. Sockets open, join and close meanwhile. */
  async run(): Promise<void> {
    const senders = Array.from({ length: CONCURRENT }, () => this.#sendAll());
    const sockets = Array.from({ length: SOCKETS }, (_, n) => this.#useSockets(n));
    await Promise.all([...senders, ...sockets]);
  }

  stop(): void {
    this.#stops = true;
  }

  async hub(state: 'works' | 'fails' | 'is slow'): Promise<void> {
    for (const origin of this.#origins) await fetch(new URL(`/test/hub?${state.replace(' ', '-')}`, origin));
  }

  /**
   * The first `present` people send heartbeats, and the others leave. After two TTLs and six sync intervals all isolates must show
   * that. Returns the count of each isolate.
   */
  async settle(present: number): Promise<readonly number[]> {
    const until = Date.now() + 1_000 * (2 * TTL_SECONDS + 6 * SYNC_SECONDS);
    while (Date.now() < until) {
      for (let person = 0; person < PEOPLE; person += 1) {
        const body = { sessionId: sessionId(person), mood: DEFAULT_MOOD };
        await this.#send(
          person,
          'POST',
          person < present ? '/api/heartbeat' : '/api/leave',
          json(body),
          [200],
        );
      }
      await wait(1_000);
    }
    return Promise.all(this.#origins.map(async (_, n) => (await this.#service.presence(n)).count));
  }

  async dispose(): Promise<void> {
    this.#agent.destroy();
    await this.#service.dispose();
  }

  async #sendAll(): Promise<void> {
    while (!this.#stops) await this.#sendOne();
  }

  /** Sends one request: 70 % are heartbeats, the others leaves, reads, new sessions, invalid requests and aborted ones. */
  async #sendOne(): Promise<void> {
    const person = anyOf(PEOPLE);
    const heartbeat = { sessionId: sessionId(person), mood: MOODS[anyOf(MOODS.length)] };
    const newSession = { sessionId: crypto.randomUUID(), mood: DEFAULT_MOOD };
    const dice = Math.random();
    if (dice < 0.7) return this.#send(person, 'POST', '/api/heartbeat', json(heartbeat), [200]);
    if (dice < 0.76) return this.#send(person, 'POST', '/api/leave', json(heartbeat), [200]);
    if (dice < 0.82) return this.#send(person, 'POST', '/api/leave', json(newSession), [200]);
    if (dice < 0.88) return this.#send(person, 'GET', '/api/presence', undefined, [200]);
    if (dice < 0.91) return this.#send(person, 'POST', '/api/heartbeat', json(newSession), [200]);
    if (dice < 0.94)
      return this.#send(person, 'POST', '/api/heartbeat', json({ ...heartbeat, mood: 'greed' }), [400]);
    if (dice < 0.96) return this.#send(person, 'POST', '/api/leave', 'x'.repeat(3_000), [413]);
    if (dice < 0.98) return this.#send(person, 'PUT', '/api/heartbeat', json(heartbeat), [405]);
    return this.#send(person, 'POST', '/api/heartbeat', json(heartbeat), [200], true);
  }

  /** A session opens one live socket after the other. Each joins, pings, changes its mood and closes. On KV none opens. */
  async #useSockets(n: number): Promise<void> {
    while (!this.#stops) {
      const client = await LiveClient.open(await this.#service.liveUrl(n % ISOLATES)).catch(() => undefined);
      if (client === undefined) {
        await wait(1_000);
        continue;
      }
      client.send({ sessionId: sessionId(PEOPLE + n), mood: DEFAULT_MOOD });
      for (let step = 0; step < 5 && !this.#stops; step += 1) {
        await wait(1_000);
        client.send(step === 2 ? { mood: MOODS[0] } : 'ping');
      }
      client.close();
      this.#countOutcome('socket');
    }
  }

  async #send(
    person: number,
    method: string,
    path: string,
    body: string | undefined,
    intended: readonly number[],
    isAborted = false,
  ): Promise<void> {
    const status = await new Promise<number>((resolve) => {
      const sent = request(
        new URL(path, this.#origins[person % ISOLATES]).href,
        { method, agent: this.#agent },
        (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
          answer.on('error', () => resolve(0));
        },
      );
      sent.on('error', () => resolve(0));
      sent.end(body);
      if (isAborted) setTimeout(() => sent.destroy(), 1);
    });
    this.#requests += 1;
    this.#countOutcome(status === 0 ? 'no answer' : `${status}`);
    // An aborted request has no response, unless the response was faster.
    if (intended.includes(status) || (isAborted && status === 0)) return;
    this.unintended.push(`${method} ${path}: ${status}`);
  }

  #countOutcome(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }
}

const anyOf = (count: number) => Math.floor(Math.random() * count);
const json = (body: object) => JSON.stringify(body);
