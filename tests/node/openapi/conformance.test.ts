import { expect, it } from 'vitest';
import { openApiDocument } from '../../../src/api/openapi';
import { EXAMPLES } from '../../../src/api/openapi-schemas';
import { problemDocument } from '../../../src/api/problems';
import { takeComplaints } from '../../support/complaints';
import { Conformance, type Observation } from '../../support/conformance';
import { observe, observeResponse, requestOf } from '../../support/observations';

const INTERVAL = { 'presence-interval': '2.333' };
const JSON_TYPE = { ...INTERVAL, 'content-type': 'application/json' };
const PROBLEM_MEDIA_TYPE = { ...INTERVAL, 'content-type': 'application/problem+json' };

const STATE: Observation = {
  method: 'GET',
  path: '/api/presence',
  status: 200,
  headers: { ...JSON_TYPE, 'cache-control': 'no-store' },
  body: JSON.stringify(EXAMPLES.presence),
};
const HEARTBEAT = JSON.stringify(EXAMPLES.heartbeat);
const COUNTED: Observation = { ...STATE, method: 'POST', path: '/api/heartbeat' };
/** Returns an accepted heartbeat of this type. */
const heartbeat = (type: string | undefined, body = HEARTBEAT): Observation => ({
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
  ['the head of a presence state', { ...STATE, method: 'HEAD', body: '' }],
  [
    'a presence state of a service with live sockets',
    { ...STATE, headers: { ...STATE.headers, 'presence-live': '1' } },
  ],
  ['a problem', FULL],
  ['an unknown path', NOWHERE],
  ['a method that the path does not have', { ...REFUSED, method: 'PUT' }],
  ['a preflight', { ...STATE, method: 'OPTIONS', status: 204, headers: INTERVAL, body: '' }],
  [
    'an error of a service with a wrong setting',
    {
      ...STATE,
      status: 500,
      headers: { 'content-type': 'application/problem+json' },
      body: JSON.stringify(problemDocument('internal-error', { requestId: crypto.randomUUID() })),
    },
  ],
  ['a request of JSON', heartbeat('application/json; charset=utf-8')],
  ['a request of a kind of JSON', heartbeat('Model/glTF+json')],
  ['a request of text', heartbeat('text/plain;charset=UTF-8')],
  ['a request without a type', heartbeat(undefined)],
  ['a request whose type is only parameters', heartbeat(';;')],
  ['a request of two types', heartbeat('application/json, application/ld+json; profile="a,b"')],
  ['a request with one more key', heartbeat('text/plain', HEARTBEAT.replace('{', '{"x":1,'))],
  ['an opened socket', { ...STATE, path: '/api/live', status: 101, headers: INTERVAL, body: '' }],
])('the judge finds nothing wrong with %s', (_what, observation) => {
  expect(complaints(observation)).toEqual([]);
});

it.each([
  [
    'a member with another name',
    { ...STATE, body: JSON.stringify({ ...countless, people: count }) },
    /"count"/,
  ],
  ['one more member', { ...STATE, body: JSON.stringify({ ...EXAMPLES.presence, x: 1 }) }, /"x".*additional/],
  [
    'a negative count',
    { ...STATE, body: JSON.stringify({ ...EXAMPLES.presence, count: -1 }) },
    /count.*-1 is less than 0/,
  ],
  ['no body', { ...STATE, body: '' }, /not JSON/],
  [
    'no media type',
    { ...STATE, headers: { ...INTERVAL, 'cache-control': 'no-store' }, body: '' },
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
    { ...STATE, headers: { ...INTERVAL, 'content-type': 'text/plain' } },
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
  [
    'an answer without the interval',
    { ...STATE, headers: { 'content-type': 'application/json' } },
    /presence-interval is missing/,
  ],
  [
    'a preflight without the interval',
    { ...STATE, method: 'OPTIONS', status: 204, headers: {}, body: '' },
    /presence-interval is missing/,
  ],
  [
    'an interval of more than ten seconds',
    { ...STATE, headers: { ...STATE.headers, 'presence-interval': '10.5' } },
    /Presence-Interval is 10.5/,
  ],
  [
    'an interval that is no number',
    { ...STATE, headers: { ...STATE.headers, 'presence-interval': 'often' } },
    /Presence-Interval is often/,
  ],
  ['success of another method', { ...STATE, method: 'PUT' }, /200 is not documented/],
  ['a success of OPTIONS', { ...STATE, method: 'OPTIONS' }, /200 is not documented/],
  ['a refusal of the method that the path has', REFUSED, /405 is not documented/],
  ['a body of a preflight', { ...STATE, method: 'OPTIONS', status: 204 }, /preflight has a body/],
  [
    'an accepted request of another type',
    heartbeat('text/html'),
    /request of type text\/html is not documented/,
  ],
  [
    'an accepted request of one other type',
    heartbeat('text/plain, a/b'),
    /request of type a\/b is not documented/,
  ],
  [
    'an accepted request whose type has three parts',
    heartbeat('a/b/c+json'),
    /a\/b\/c\+json is not documented/,
  ],
  [
    'an accepted request that is not JSON',
    heartbeat('text/plain', '{'),
    /of the request, the body is not JSON/,
  ],
  [
    'an accepted request without its mood',
    heartbeat('text/plain', HEARTBEAT.replace('mood', 'm')),
    /of the request.*"mood"/,
  ],
  [
    'an accepted request that is a text of JSON',
    heartbeat('application/json', '"x"'),
    /of the request.*object/,
  ],
  [
    'an accepted request where none is documented',
    { ...heartbeat('text/plain'), path: '/health' },
    /not documented/,
  ],
  [
    'one more member of a member',
    { ...STATE, body: STATE.body.replace('"gratitude"', '"x":1,"gratitude"') },
    /moods.*"x".*additional/,
  ],
  ['one more member of a problem', { ...FULL, body: FULL.body.replace('{', '{"x":1,') }, /"x".*additional/],
  ['a success of an unknown path', { ...NOWHERE, status: 200 }, /200 is not documented/],
])('the judge complains of %s', (_what, observation, complaint) => {
  expect(complaints(observation).join()).toMatch(complaint);
});

const LEAVE = new URL('http://localhost/api/leave');
const LEFT = JSON.stringify(EXAMPLES.left);
const left = (status = 200, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers: { ...JSON_TYPE, ...headers } });

it('a complaint names the method, the path and the status, and is returned once', async () => {
  observe('POST', LEAVE, left(), LEFT);
  observe('POST', LEAVE, left(202), LEFT);
  observe('POST', LEAVE, left(202), LEFT);
  expect(await takeComplaints()).toEqual(['POST /api/leave 202: 202 is not documented']);
  expect(await takeComplaints()).toEqual([]);
});

it('takeComplaints waits for the bodies of all answers that were observed before', async () => {
  const body = Promise.withResolvers<string>();
  observe('POST', LEAVE, left(), body.promise);
  observe('POST', LEAVE, left(), Promise.resolve('{'));
  const taken = takeComplaints();
  body.resolve('{}');
  expect(await taken).toEqual([
    'POST /api/leave 200: the body is not JSON',
    expect.stringMatching(/^POST \/api\/leave 200: .*"success"/),
  ]);
});

it('an answer whose body fails is a complaint', async () => {
  observe('POST', LEAVE, left(), Promise.reject(new Error('aborted')));
  expect(await takeComplaints()).toEqual(['POST /api/leave 200: Error: aborted']);
});

it('an observed answer keeps its body, and later changes of its headers are no complaint', async () => {
  const answer = new Response(LEFT, { headers: JSON_TYPE });
  observeResponse('POST', LEAVE, answer);
  answer.headers.set('Retry-After', '1');
  expect(await answer.text()).toBe(LEFT);
  expect(await takeComplaints()).toEqual([]);
});

it('a request is compared only if the service accepted it', async () => {
  const wrong = requestOf({ method: 'POST', body: '{}' });
  const problem = JSON.stringify(problemDocument('malformed-json'));
  observe('POST', LEAVE, left(400, PROBLEM_MEDIA_TYPE), problem, wrong);
  expect(await takeComplaints()).toEqual([]);
  observe('POST', LEAVE, left(), LEFT, wrong);
  expect(await takeComplaints()).toEqual([expect.stringContaining('of the request')]);
});

it.each([
  ['a text', { body: 'x' }, { type: 'text/plain;charset=UTF-8', body: 'x' }],
  ['bytes', { body: new Uint8Array([120]) }, { type: undefined, body: 'x' }],
  ['a text with a type', { body: 'x', headers: { 'Content-Type': 'a/b' } }, { type: 'a/b', body: 'x' }],
  ['a stream', { body: new ReadableStream() }, undefined],
  ['nothing', {}, undefined],
])(
  'requestOf returns the type and the text of a body that is %s, or undefined if it cannot be read again',
  (_what, init, sent) => {
    expect(requestOf({ method: 'POST', ...init })).toEqual(sent);
  },
);
