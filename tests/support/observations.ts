/** An answer of the service that some test has seen. */
export interface Observation {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The request, if the service accepted it and the test knows what it sent. */
  readonly request?: SentRequest;
}

/** What a request with a body said: its media type, if any, and its text. */
export interface SentRequest {
  readonly type: string | undefined;
  readonly body: string;
}

declare module 'vitest' {
  interface TaskMeta {
    /** What the test saw that none before it did, for the reporter that judges it. */
    observations?: readonly Observation[];
  }
}

/** What every kind of client has of an answer. */
interface Head {
  readonly status: number;
  readonly headers: { forEach(visit: (value: string, name: string) => void): void };
}

interface Readable {
  clone(): { text(): Promise<string> };
}

const seen = new Set<string>();
let reading: Promise<void>[] = [];
let fresh: Observation[] = [];

/** Notes an answer. Of bodies that differ by numbers only one is noted: a flood is one observation. */
export function observe(
  method: string,
  url: URL,
  head: Head,
  body: string | Promise<string>,
  request?: SentRequest,
): void {
  const accepted = head.status === 200 ? request : undefined;
  reading.push(Promise.resolve(body).then((text) => note(method, url, head, text, accepted)));
}

/** The same of an answer that its receiver has yet to read. */
export function observeResponse(
  method: string,
  url: URL,
  answer: Head & Readable,
  request?: SentRequest,
): void {
  // A handshake has no body, and cannot be cloned.
  observe(method, url, answer, answer.status === 101 ? '' : answer.clone().text(), request);
}

/** What `fetch` sends for these options; undefined for a body that can be read only once. */
export function requestOf({ method = 'GET', headers, body }: RequestInit = {}): SentRequest | undefined {
  const text =
    typeof body === 'string' ? body : body instanceof Uint8Array ? new TextDecoder().decode(body) : undefined;
  if (text === undefined || method === 'GET') return undefined;
  const sent = new Request('http://localhost', { method, body: text, ...(headers && { headers }) });
  // Bytes have no type of their own, as texts have.
  const type =
    typeof body === 'string' ? sent.headers.get('Content-Type') : new Headers(headers).get('Content-Type');
  return { type: type ?? undefined, body: text };
}

function note(
  method: string,
  url: URL,
  { status, headers: sent }: Head,
  body: string,
  request: SentRequest | undefined,
): void {
  const headers: Record<string, string> = {};
  sent.forEach((value, name) => {
    headers[name.toLowerCase()] = value;
  });
  const observation = { method, path: url.pathname, status, headers, body, ...(request && { request }) };
  const kind = JSON.stringify({
    ...observation,
    body: numberless(body),
    request: request && { ...request, body: numberless(request.body) },
  });
  if (seen.has(kind)) return;
  seen.add(kind);
  fresh.push(observation);
}

/** The text with the same number everywhere, also in ids. */
const numberless = (text: string) => text.replace(/[0-9a-f]{8}(-[0-9a-f]{4,}){4}|\d+/gi, '0');

/** What was noted since the last time. */
export async function takeObservations(): Promise<readonly Observation[]> {
  const read = reading;
  reading = [];
  await Promise.all(read);
  const taken = fresh;
  fresh = [];
  return taken;
}
