import { setTimeout as wait } from 'node:timers/promises';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { COMPATIBILITY_DATE } from '../../support/compatibility-date';
import { post } from '../../support/http';
import { limiterOf, untilMinuteLasts } from '../../support/limiter';
import { complaintsOf } from './answer-complaints';
import { GOOD_ORIGIN, type HostileRow, MARK, PRESENT_ID, type SocketMessages } from './hostile-row';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http';

/** The answer to eight times the length may take so many times as long. A quadratic step takes 64 times as long. */
const GROWTH_MAX = 24;
/** The shortest of these attempts is compared, because other work on the machine only makes an attempt longer. */
const ATTEMPTS = 5;

/** One network may start these sessions and open these channels in a minute. */
const LIMITS = { sessions: 2, channels: 1 };
/** Within this time a change at the isolate is in the room. It is more than one sync. */
const SENT_MS = 1_500;
/** Within this time a change in the room is at the isolate. It is more than two syncs. */
const SYNCED_MS = 2_500;
const POLL_MS = 50;
/** Channels of every service that has channels. The session PRESENT_ID is in the first one. */
const [LOBBY, POST] = ['lobby', 'post-1'];

/** Runs the Worker in that file, sends it rows of the hostile table, and returns what is wrong with the answers. */
export class HostileService {
  readonly #miniflare: Miniflare;
  readonly #onAnswer: (request: RawRequest, answer: RawAnswer) => void;
  #origin: URL | undefined;
  #log = '';

  /** @param onAnswer Receives each answer of the Worker to a row. */
  constructor(
    scriptPath: string,
    variables: Readonly<Record<string, string>> = {},
    onAnswer: (request: RawRequest, answer: RawAnswer) => void = () => undefined,
  ) {
    this.#onAnswer = onAnswer;
    this.#miniflare = new Miniflare(
      convertV4MiniflareOptions({
        name: 'worker',
        modules: true,
        scriptPath,
        compatibilityDate: COMPATIBILITY_DATE,
        bindings: {
          PRESENCE_HUB: 'durable-object',
          SESSION_TTL_SECONDS: '600',
          ALLOWED_ORIGINS: GOOD_ORIGIN,
          ...variables,
        },
        kvNamespaces: ['PRESENCE_KV'],
        durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', useSQLite: true } },
        ratelimits: limiterOf(LIMITS.sessions, LIMITS.channels),
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        handleStructuredLogs: ({ message }) => {
          this.#log += message;
        },
      }),
    );
  }

  /** The text that the Worker has logged. */
  get log(): string {
    return this.#log;
  }

  /** Sends the row, and returns what is wrong with the answers and the counts. The list is empty if all guards work. */
  async complaints(row: HostileRow): Promise<readonly string[]> {
    this.#origin ??= await this.#miniflare.unsafeGetDirectURL('worker');
    await this.#count(row);
    if (row.before !== undefined) await untilMinuteLasts(2_000);
    const early: string[] = [];
    for (const request of row.before ?? []) {
      const answer = await sendRaw(this.#origin, request);
      if (answer?.status !== 200 && answer?.status !== 101)
        early.push(`answers ${answer?.status ?? 'nothing'} to a request before the row`);
    }
    const before = await this.#count(row);
    const complaints = await this.#complaintsOfAnswers(this.#origin, row);
    const slow = await this.#complaintsOfTime(this.#origin, row);
    const after = await this.#countAfter(before, row);
    for (const { path, ...request } of row.before ?? [])
      if (HEARTBEAT.test(path))
        await sendRaw(this.#origin, { ...request, path: path.replace(HEARTBEAT, '/leave') });
    const miscount = after === before ? [] : [`counts ${after} instead of ${before}`];
    return [...early, ...complaints, ...slow, ...miscount];
  }

  dispose(): Promise<void> {
    return this.#miniflare.dispose();
  }

  async #send(
    origin: URL,
    request: RawRequest,
    expected: HostileRow['expected'],
  ): Promise<RawAnswer | undefined> {
    const answer = await sendRaw(origin, request);
    // A request that the server in front refuses does not reach the Worker.
    if (answer !== undefined && expected !== 'refused by server') this.#onAnswer(request, answer);
    return answer;
  }

  async #complaintsOfTime(origin: URL, { sends, eightTimes }: HostileRow): Promise<readonly string[]> {
    if (eightTimes === undefined || !('method' in sends)) return [];
    const once = await shortestMs(origin, sends);
    // An answer after more than 5 s is too slow too.
    const eight = await shortestMs(origin, eightTimes).catch(() => Number.POSITIVE_INFINITY);
    const growth = eight / once;
    return growth < GROWTH_MAX
      ? []
      : [`takes ${eight} ms for eight times the length, and ${once} ms for the length`];
  }

  /** Returns the counts per mood of the default channel, and of two more if the service has channels. PRESENT_ID is in two of them. */
  async #count({ variables }: HostileRow): Promise<string> {
    const counts = [await this.#countsAt('/api/heartbeat')];
    if (variables?.['CHANNELS'] !== undefined) {
      counts.push(await this.#countsAt(`/api/channels/${LOBBY}/heartbeat`));
      const { channels } = (await this.#get(`/api/channels?names=${POST}`)) as { channels?: object };
      counts.push(JSON.stringify(channels));
    }
    return counts.join();
  }

  /** The session of a closed socket leaves at the next sync. Waits until then for the earlier counts. */
  async #countAfter(before: string, row: HostileRow): Promise<string> {
    const end = Date.now() + ('counts' in row.sends ? SYNCED_MS : 0);
    let counts = await this.#count(row);
    while (counts !== before && Date.now() < end) {
      await wait(POLL_MS);
      counts = await this.#count(row);
    }
    return counts;
  }

  async #countsAt(path: string): Promise<string> {
    const request = (path: string, init?: RequestInit) => fetch(new URL(path, this.#origin), init);
    const response = await post(request, path, { sessionId: PRESENT_ID, mood: 'presence' });
    const state = (await response.json()) as { moods?: Record<string, number> };
    return response.status === 200 ? JSON.stringify(state.moods) : `nothing, but status ${response.status}`;
  }

  async #get(path: string): Promise<unknown> {
    return (await fetch(new URL(path, this.#origin))).json();
  }

  async #complaintsOfAnswers(origin: URL, row: HostileRow): Promise<readonly string[]> {
    if ('messages' in row.sends) return this.#complaintsOfSocket(row.sends, row);
    const requests = 'flood' in row.sends ? row.sends.flood : [row.sends];
    const complaints: string[] = [];
    for (const request of requests)
      complaints.push(...complaintsOf(await this.#send(origin, request, row.expected), request, row));
    return complaints;
  }

  async #complaintsOfSocket(
    { path = '/api/live', messages, counts = {} }: SocketMessages,
    { expected, before }: HostileRow,
  ): Promise<readonly string[]> {
    // Otherwise the room may not have the sessions of `before`.
    if (before !== undefined) await wait(SENT_MS);
    const socket = new WebSocket(new URL(path, String(this.#origin).replace('http', 'ws')).href);
    const closed = new Promise<CloseEvent>((resolve) => {
      socket.addEventListener('close', resolve);
    });
    const opened = new Promise((resolve) => {
      socket.addEventListener('open', resolve);
    });
    await Promise.race([opened, closed]);
    for (const message of messages) socket.send(message);
    const close = await Promise.race([closed, wait(1_000, undefined)]);
    const miscounts = await this.#complaintsOfCounts(counts);
    socket.close();
    await closed;
    const code = typeof expected === 'object' && 'closeCode' in expected ? expected.closeCode : undefined;
    return [
      ...(close?.code === code ? [] : [`closes with ${close?.code ?? 'nothing'} instead of ${code}`]),
      ...(close?.reason.includes(MARK) ? ['repeats the request'] : []),
      ...miscounts,
    ];
  }

  /** Waits at most SYNCED_MS until the count of each path is right. */
  async #complaintsOfCounts(counts: Readonly<Record<string, number>>): Promise<readonly string[]> {
    for (const end = Date.now() + SYNCED_MS; ; await wait(POLL_MS)) {
      const complaints: string[] = [];
      for (const [path, expected] of Object.entries(counts)) {
        const { count } = (await this.#get(path)) as { count?: number };
        if (count !== expected) complaints.push(`counts ${count} instead of ${expected} at ${path}`);
      }
      if (complaints.length === 0 || Date.now() > end) return complaints;
    }
  }
}

const HEARTBEAT = /\/heartbeat$/;

async function shortestMs(origin: URL, request: RawRequest): Promise<number> {
  const times: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const start = performance.now();
    await sendRaw(origin, request);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}
