import { afterAll, describe, expect, it } from 'vitest';
import type { SentRequest } from '../../support/conformance';
import { observe } from '../../support/observations';
import { HostileService } from './hostile-service';
import { HOSTILE_TABLE } from './hostile-table';
import type { RawAnswer, RawRequest } from './raw-http';

const services = new Map<string, HostileService>();

const observeAnswer = (request: RawRequest, answer: RawAnswer) => {
  const { method, path } = request;
  // The text behind the head of a handshake is frames, and no body.
  const body = answer.status === 101 ? '' : answer.body;
  observe(method, new URL(`http://localhost${withoutDots(path)}`), answer, body, requestOf(request));
};

/** `URL` resolves segments of dots, but the Worker gets the path unchanged. The document has no such segment. */
const withoutDots = (path: string) => path.replaceAll(/(?<=\/)(?:\.|%2e){1,2}(?=\/|$)/gi, 'dots');

/** Returns undefined for a request in chunks, because the frames are no part of its body. */
function requestOf({ headers, body, contentLength }: RawRequest): SentRequest | undefined {
  if (contentLength === undefined || headers.some(([name]) => name === 'Transfer-Encoding')) return undefined;
  const text = new TextDecoder().decode(Buffer.concat(body.map((piece) => Buffer.from(piece))));
  const types = headers.filter(([name]) => name.toLowerCase() === 'content-type').map(([, value]) => value);
  return { type: types.length === 0 ? undefined : types.join(', '), body: text };
}

/** Returns the deployed bundle with the variables of a row. Rows with the same variables share one. */
function serviceFor(variables: Readonly<Record<string, string>> = {}): HostileService {
  const key = JSON.stringify(variables);
  const service = services.get(key) ?? new HostileService('dist/index.js', variables, observeAnswer);
  services.set(key, service);
  return service;
}

afterAll(async () => {
  for (const service of services.values()) await service.dispose();
});

const categories = new Set(HOSTILE_TABLE.map(({ category }) => category));

describe.each([...categories])('hostile %s', (name) => {
  const rows = HOSTILE_TABLE.filter(({ category }) => category === name);

  it.each(rows)('$name', async (row) => {
    expect(await serviceFor(row.variables).complaints(row)).toEqual([]);
  });
});

it('the Worker logs no line for the hostile rows, except that an isolate or a room is full', () => {
  // The rows above have started the services.
  expect(services.size).toBeGreaterThan(1);
  const full = new RegExp(`\\{[^{}]*"trouble":"(?:${FULL.join('|')})"[^{}]*\\}`, 'g');
  for (const { log } of services.values()) expect(log.replace(full, '')).toBe('');
});

const FULL = [
  'the isolate is full: new sessions are refused',
  'the isolate knows CHANNELS_MAX channels: new ones are refused',
  'the room refuses new channels, which count at their own isolate only',
];
