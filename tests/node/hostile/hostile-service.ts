import { setTimeout as wait } from 'node:timers/promises';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { COMPATIBILITY_DATE } from '../../support/compatibility-date';
import { post } from '../../support/http';
import { limiterOf, untilMinuteLasts } from '../../support/limiter';
import { GOOD_ORIGIN, type HostileRow, MARK, RESIDENT, type SocketMessages } from './hostile-row';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http';

const BODY_BYTES_MAX = 2_000;

/** How much longer the answer to eight times as much may take. A quadratic step takes 64 times as long. */
const GROWTH_MAX = 24;
/** The shortest of so many attempts is compared, since other work on this machine only makes them longer. */
const ATTEMPTS = 5;

/** The Worker in that file with all its guards up; it sends rows of the hostile table, and says what is wrong with the answers. */
export class HostileService {
  readonly #miniflare: Miniflare;
  readonly #hear: (request: RawRequest, answer: RawAnswer) => void;
  #origin: URL | undefined;
  #log = '';

  /** @param hear Is told what the Worker has answered to the rows. */
  constructor(
    scriptPath: string,
    variables: Readonly<Record<string, string>> = {},
    hear: (request: RawRequest, answer: RawAnswer) => void = () => undefined,
  ) {
    this.#hear = hear;
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
        ratelimits: limiterOf(2),
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        handleStructuredLogs: ({ message }) => {
          this.#log += message;
        },
      }),
    );
  }

  /** All that the Worker has logged. */
  get log(): string {
    return this.#log;
  }

  /** Sends the row, and returns what is wrong with what came of it: nothing, if all guards do their work. */
  async complaints(row: HostileRow): Promise<readonly string[]> {
    this.#origin ??= await this.#miniflare.unsafeGetDirectURL('worker');
    await this.#count();
    if (row.before !== undefined) await untilMinuteLasts(2_000);
    const early: string[] = [];
    for (const request of row.before ?? []) {
      const answer = await sendRaw(this.#origin, request);
      if (answer?.status !== 200) early.push(`answers ${answer?.status ?? 'nothing'} to what comes before`);
    }
    const before = await this.#count();
    const complaints =
      'messages' in row.sends
        ? await this.#complaintsOfSocket(row.sends, row)
        : complaintsOf(await this.#send(this.#origin, row.sends, row.expected), row);
    const slow = await this.#complaintsOfTime(this.#origin, row);
    const after = await this.#count();
    for (const request of row.before ?? []) await sendRaw(this.#origin, { ...request, path: '/api/leave' });
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
    // What the server in front of it refuses never gets to the Worker.
    if (answer !== undefined && expected !== 'refused by server') this.#hear(request, answer);
    return answer;
  }

  async #complaintsOfTime(origin: URL, { sends, eightTimes }: HostileRow): Promise<readonly string[]> {
    if (eightTimes === undefined || 'messages' in sends) return [];
    const once = await shortestMs(origin, sends);
    // No answer within 5 s is too slow, too.
    const eight = await shortestMs(origin, eightTimes).catch(() => Number.POSITIVE_INFINITY);
    const growth = eight / once;
    return growth < GROWTH_MAX ? [] : [`takes ${eight} ms for eight times of what takes ${once} ms`];
  }

  /** How many are here, by a heartbeat of the resident. */
  async #count(): Promise<string> {
    const ask = (path: string, init?: RequestInit) => fetch(new URL(path, this.#origin), init);
    const response = await post(ask, '/api/heartbeat', { sessionId: RESIDENT, mood: 'presence' });
    const state = (await response.json()) as { moods?: Record<string, number> };
    return response.status === 200 ? JSON.stringify(state.moods) : `nothing, but status ${response.status}`;
  }

  async #complaintsOfSocket(
    { messages }: SocketMessages,
    { expected }: HostileRow,
  ): Promise<readonly string[]> {
    const socket = new WebSocket(new URL('/api/live', String(this.#origin).replace('http', 'ws')).href);
    const closed = new Promise<CloseEvent>((resolve) => {
      socket.addEventListener('close', resolve);
    });
    await new Promise((resolve) => {
      socket.addEventListener('open', resolve);
    });
    for (const message of messages) socket.send(message);
    const close = await Promise.race([closed, wait(1_000, undefined)]);
    socket.close();
    await closed;
    const code = typeof expected === 'object' && 'closeCode' in expected ? expected.closeCode : undefined;
    return [
      ...(close?.code === code ? [] : [`closes with ${close?.code ?? 'nothing'} instead of ${code}`]),
      ...(close?.reason.includes(MARK) ? ['echoes what came'] : []),
    ];
  }
}

async function shortestMs(origin: URL, request: RawRequest): Promise<number> {
  const times: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const start = performance.now();
    await sendRaw(origin, request);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

function complaintsOf(
  answer: RawAnswer | undefined,
  { expected, sends, variables }: HostileRow,
): readonly string[] {
  if (answer?.text.includes(MARK)) return ['echoes what came'];
  if (expected === 'refused by server') {
    return answer === undefined || [400, 413, 501].includes(answer.status)
      ? []
      : [`answers ${answer.status}`];
  }
  if (answer === undefined || !('status' in expected)) return ['does not answer'];
  const { status, code, headers = {} } = expected;
  const wanted = {
    'X-Content-Type-Options': 'nosniff',
    ...(status === 204 ? {} : { 'Cache-Control': 'no-store' }),
    ...(code === undefined ? {} : { 'Content-Type': 'application/problem+json' }),
    ...headers,
  };
  return [
    ...(answer.status === status ? [] : [`answers ${answer.status} instead of ${status}`]),
    ...Object.entries(wanted).flatMap(([name, value]) => {
      const sent = answer.headers.get(name);
      return sent === value ? [] : [`sends ${name}: ${sent} instead of ${value}`];
    }),
    ...['Server', 'X-Powered-By'].flatMap((name) => (answer.headers.has(name) ? [`sends ${name}`] : [])),
    ...complaintsOfCredentials(answer, isListed(sends, variables)),
    ...(answer.body.length > BODY_BYTES_MAX ? [`answers with ${answer.body.length} bytes`] : []),
    ...(code === undefined || isProblem(answer.body, status, code) ? [] : [`answers ${answer.body}`]),
    ...(isHead(sends) && answer.body !== '' ? ['answers a body to HEAD'] : []),
  ];
}

/** Only the listed origin may send credentials, and only an answer to that very origin says so. */
function complaintsOfCredentials({ headers }: RawAnswer, mayAllow: boolean): readonly string[] {
  const allowed = headers.get('Access-Control-Allow-Credentials');
  if (!mayAllow) return allowed === null ? [] : ['allows credentials'];
  const origin = headers.get('Access-Control-Allow-Origin');
  return allowed === 'true' && origin === GOOD_ORIGIN ? [] : ['does not allow credentials'];
}

const isListed = (sends: HostileRow['sends'], variables: HostileRow['variables']) =>
  'method' in sends &&
  sends.headers.some(([name, value]) => name === 'Origin' && value === GOOD_ORIGIN) &&
  variables?.['ALLOWED_ORIGINS'] !== '*';

const isHead = (sends: RawRequest | SocketMessages) => 'method' in sends && sends.method === 'HEAD';

function isProblem(body: string, status: number, code: string): boolean {
  try {
    const problem = JSON.parse(body);
    return problem.type === `/docs#${code}` && problem.status === status;
  } catch {
    return false;
  }
}
