import { openApiDocument } from '../../src/api/openapi';
import { keepComplaints } from './complaints';
import { Conformance, type SentRequest } from './conformance';

/** The part of an answer that all clients have. */
interface Head {
  readonly status: number;
  readonly headers: Iterable<[string, string]>;
}

interface Readable {
  clone(): { text(): Promise<string> };
}

const conformance = new Conformance(openApiDocument());

/** Compares an answer with the OpenAPI document, and keeps each complaint. */
export function observe(
  method: string,
  url: URL,
  head: Head,
  body: string | Promise<string>,
  request?: SentRequest,
): void {
  keepComplaints(compare(method, url.pathname, head, body, request));
}

/** Compares a `Response` with the OpenAPI document. The caller can still read its body. */
export function observeResponse(
  method: string,
  url: URL,
  answer: Head & Readable,
  request?: SentRequest,
): void {
  // `clone` throws on a handshake, which has no body.
  observe(method, url, answer, answer.status === 101 ? '' : answer.clone().text(), request);
}

/** The request that `fetch` sends with these options. Undefined for a body that only one reader can read. */
export function requestOf({ method = 'GET', headers, body }: RequestInit = {}): SentRequest | undefined {
  const text =
    typeof body === 'string' ? body : body instanceof Uint8Array ? new TextDecoder().decode(body) : undefined;
  if (text === undefined || method === 'GET') return undefined;
  const sent = new Request('http://localhost', { method, body: text, ...(headers && { headers }) });
  // `fetch` adds a media type to a text, and none to bytes.
  const type =
    typeof body === 'string' ? sent.headers.get('Content-Type') : new Headers(headers).get('Content-Type');
  return { type: type ?? undefined, body: text };
}

async function compare(
  method: string,
  path: string,
  { status, headers: sent }: Head,
  body: string | Promise<string>,
  request: SentRequest | undefined,
): Promise<readonly string[]> {
  // A copy, because middleware may change the headers before the body has arrived.
  const headers = Object.fromEntries(sent);
  const accepted = status === 200 ? request : undefined;
  const complaintsOf = (text: string) =>
    conformance.complaints({ method, path, status, headers, body: text, request: accepted });
  const complaints = await Promise.resolve(body)
    .then(complaintsOf)
    .catch((error) => [String(error)]);
  return complaints.map((complaint) => `${method} ${path} ${status}: ${complaint}`);
}
