import { expect, it } from 'vitest';
import { EXAMPLES, openApiDocument } from '../../../src/api/openapi';
import { problemDocument } from '../../../src/api/problems';
import { Conformance } from '../../support/conformance';
import { type Observation, observe, requestOf, takeObservations } from '../../support/observations';

const JSON_TYPE = { 'content-type': 'application/json' };
const PROBLEM_MEDIA_TYPE = { 'content-type': 'application/problem+json' };

const STATE: Observation = {
  method: 'GET',
  path: '/api/presence',
  status: 200,
  headers: { ...JSON_TYPE, 'cache-control': 'no-store' },
  body: JSON.stringify(EXAMPLES.presence),
};
const BEAT = JSON.stringify(EXAMPLES.heartbeat);
const COUNTED: Observation = { ...STATE, method: 'POST', path: '/api/heartbeat' };
/** A heartbeat of this type. */
const beat = (type: string | undefined, body = BEAT): Observation => ({
  ...COUNTED,
  request: { type, body },
});
const FULL: Observation = {
  method: 'POST',
  path: '/api/heartbeat',
  status: 503,
  headers: { ...PROBLEM_MEDIA_TYPE, 'retry-after': '10' },
  body: JSON.stringify(problemDocument('full')),
};
const NOWHERE: Observation = {
  method: 'GET',
  path: '/nowhere',
  status: 404,
  headers: PROBLEM_MEDIA_TYPE,
  body: JSON.stringify(problemDocument('not-found')),
};
const REFUSED: Observation = {
  ...STATE,
  status: 405,
  headers: { ...PROBLEM_MEDIA_TYPE, allow: 'GET, HEAD, OPTIONS' },
  body: JSON.stringify(problemDocument('method-not-allowed')),
};
const { count, ...countless } = EXAMPLES.presence;

const complaints = (observation: Observation) => new Conformance(openApiDocument()).complaints(observation);

it.each([
  ['a presence state', STATE],
  ['its head', { ...STATE, method: 'HEAD', body: '' }],
  ['one of a service with live sockets', { ...STATE, headers: { ...STATE.headers, 'presence-live': '1' } }],
  ['a problem', FULL],
  ['a path that there is not', NOWHERE],
  ['a method that there is not', { ...REFUSED, method: 'PUT' }],
  ['a preflight', { ...STATE, method: 'OPTIONS', status: 204, headers: {}, body: '' }],
  ['a request of JSON', beat('application/json; charset=utf-8')],
  ['a request of a kind of JSON', beat('Model/glTF+json')],
  ['a request of text', beat('text/plain;charset=UTF-8')],
  ['a request without a type', beat(undefined)],
  ['a request with nothing but parameters for a type', beat(';;')],
  ['a request of two types', beat('application/json, application/ld+json; profile="a,b"')],
  ['a request with one more key', beat('text/plain', BEAT.replace('{', '{"x":1,'))],
  ['an opened socket', { ...STATE, path: '/api/live', status: 101, headers: {}, body: '' }],
])('finds nothing wrong with %s', (_what, observation) => {
  expect(complaints(observation)).toEqual([]);
});

it.each([
  [
    'a member with another name',
    { ...STATE, body: JSON.stringify({ ...countless, people: count }) },
    /'count'/,
  ],
  ['one more member', { ...STATE, body: JSON.stringify({ ...EXAMPLES.presence, x: 1 }) }, /additional.*"x"/],
  [
    'a negative count',
    { ...STATE, body: JSON.stringify({ ...EXAMPLES.presence, count: -1 }) },
    /count.*>= 0/,
  ],
  ['no body', { ...STATE, body: '' }, /not JSON/],
  [
    'no media type',
    { ...STATE, headers: { 'cache-control': 'no-store' }, body: '' },
    /no body is not documented/,
  ],
  ['no JSON', { ...STATE, body: '{' }, /not JSON/],
  ['a body of a head', { ...STATE, method: 'HEAD' }, /HEAD has a body/],
  [
    'a head of another media type',
    { ...STATE, method: 'HEAD', headers: { ...STATE.headers, 'content-type': 'text/html' }, body: '' },
    /text\/html is not documented/,
  ],
  [
    'another media type',
    { ...STATE, headers: { 'content-type': 'text/plain' } },
    /text\/plain is not documented/,
  ],
  ['another status', { ...STATE, status: 201 }, /201 is not documented/],
  ['a status of another path', { ...FULL, path: '/api/leave' }, /503 is not documented/],
  [
    'a problem of another status',
    { ...FULL, body: JSON.stringify(problemDocument('live-unavailable')) },
    /type/,
  ],
  ['a header that is missing', { ...FULL, headers: PROBLEM_MEDIA_TYPE }, /Retry-After is missing/],
  [
    'a header that is wrong',
    { ...FULL, headers: { ...FULL.headers, 'retry-after': 'soon' } },
    /Retry-After is soon/,
  ],
  [
    'a header of other answers',
    { ...STATE, headers: { ...STATE.headers, 'retry-after': '1' } },
    /retry-after is not documented/,
  ],
  ['success of another method', { ...STATE, method: 'PUT' }, /200 is not documented/],
  ['a success of a method that has just a head', { ...STATE, method: 'OPTIONS' }, /200 is not documented/],
  ['a refusal of the method that there is', REFUSED, /405 is not documented/],
  ['a body of a preflight', { ...STATE, method: 'OPTIONS', status: 204 }, /preflight has a body/],
  ['an accepted request of another type', beat('text/html'), /request of type text\/html is not documented/],
  [
    'an accepted request of one other type',
    beat('text/plain, a/b'),
    /request of type a\/b is not documented/,
  ],
  ['an accepted request of what only ends well', beat('a/b/c+json'), /a\/b\/c\+json is not documented/],
  ['an accepted request that is not JSON', beat('text/plain', '{'), /of the request, the body is not JSON/],
  [
    'an accepted request without its mood',
    beat('text/plain', BEAT.replace('mood', 'm')),
    /of the request.*'mood'/,
  ],
  ['an accepted request that is a text of JSON', beat('application/json', '"x"'), /of the request.*object/],
  [
    'an accepted request where none is documented',
    { ...beat('text/plain'), path: '/health' },
    /not documented/,
  ],
  [
    'a member more in a member',
    { ...STATE, body: STATE.body.replace('"gratitude"', '"x":1,"gratitude"') },
    /moods.*additional.*"x"/,
  ],
  ['one more member of a problem', { ...FULL, body: FULL.body.replace('{', '{"x":1,') }, /additional.*"x"/],
  ['a success where nothing is', { ...NOWHERE, status: 200 }, /200 is not documented/],
])('complains of %s', (_what, observation, complaint) => {
  expect(complaints(observation).join()).toMatch(complaint);
});

it('knows what it has not seen: an answer, or one of the problems that share a status', () => {
  const conformance = new Conformance(openApiDocument());
  const before = conformance.unobserved;
  expect(before).toContain('/api/heartbeat 400 malformed-json');
  conformance.complaints(STATE);
  conformance.complaints(FULL);
  conformance.complaints({
    ...FULL,
    status: 400,
    headers: PROBLEM_MEDIA_TYPE,
    body: JSON.stringify(problemDocument('malformed-json')),
  });
  // A head is no answer to GET, nor is what is wrong.
  conformance.complaints({ ...STATE, path: '/health', method: 'HEAD', body: '' });
  conformance.complaints({ ...STATE, path: '/health' });
  const seen = [
    '/api/heartbeat 400 malformed-json',
    '/api/heartbeat 503 full',
    '/api/presence 200 application/json',
  ];
  expect(before.filter((answer) => !conformance.unobserved.includes(answer)).toSorted()).toEqual(seen);
});

it('knows which documented requests it has not seen', () => {
  const conformance = new Conformance(openApiDocument());
  const missing = () => conformance.unobserved.filter((kind) => kind.includes('heartbeat request'));
  expect(missing()).toEqual(
    ['application/json', '*/*+json', 'text/plain'].map((type) => `/api/heartbeat request ${type}`),
  );
  conformance.complaints(beat('text/plain', '{'));
  conformance.complaints(beat('application/ld+json'));
  expect(missing()).toEqual(['/api/heartbeat request application/json', '/api/heartbeat request text/plain']);
});

it('notes a request that was accepted, and no other', async () => {
  await takeObservations();
  const url = new URL('http://localhost/api/leave');
  const request = requestOf({ method: 'POST', body: BEAT });
  expect(request).toEqual({ type: 'text/plain;charset=UTF-8', body: BEAT });
  observe('POST', url, new Response(null, { status: 200 }), '{}', request);
  observe('POST', url, new Response(null, { status: 400 }), '{}', request);
  expect((await takeObservations()).map((noted) => noted.request)).toEqual([request, undefined]);
});

it.each([
  ['a text', { body: 'x' }, { type: 'text/plain;charset=UTF-8', body: 'x' }],
  ['bytes', { body: new Uint8Array([120]) }, { type: undefined, body: 'x' }],
  ['a text with a type', { body: 'x', headers: { 'Content-Type': 'a/b' } }, { type: 'a/b', body: 'x' }],
  ['a stream', { body: new ReadableStream() }, undefined],
  ['nothing', {}, undefined],
])('a request of %s is known as far as it can be read again', (_what, init, sent) => {
  expect(requestOf({ method: 'POST', ...init })).toEqual(sent);
});

it('notes an answer once, and another one of the same place too', async () => {
  await takeObservations();
  const url = new URL('http://localhost/api/leave');
  const answer = (body: string, status = 200, headers: Record<string, string> = {}) =>
    observe('POST', url, new Response(null, { status, headers }), body);
  answer('{"n":1}');
  answer('{"n":22}');
  answer('{"n":-1}');
  answer('{"n":1}', 202);
  answer('{"n":1}', 200, { 'Retry-After': '1' });
  answer('{"n":1}', 200, { 'Retry-After': '2' });
  const noted = await takeObservations();
  expect(noted.map(({ status, headers, body }) => [status, headers['retry-after'], body])).toEqual([
    [200, undefined, '{"n":1}'],
    [200, undefined, '{"n":-1}'],
    [202, undefined, '{"n":1}'],
    [200, '1', '{"n":1}'],
    [200, '2', '{"n":1}'],
  ]);
  expect(await takeObservations()).toEqual([]);
});
