import {
  absentBody,
  foreignOrigin,
  from,
  fromHost,
  heartbeat,
  leave,
  notAllowed,
  notFound,
  OK,
  preflight,
  presentBody,
  request,
  upgrade,
} from './hostile-requests';
import { category, GOOD_ORIGIN, type HostileRow, MARK, PRESENT_ID } from './hostile-row';

/** The headers of an answer to the listed origin. */
const readable = { 'Access-Control-Allow-Origin': GOOD_ORIGIN, 'Access-Control-Allow-Credentials': 'true' };
/** The headers of an answer if every origin is listed. */
const readableByAll = { 'Access-Control-Allow-Origin': '*' };
const open = { variables: { ALLOWED_ORIGINS: '*' } };
/** Hosts that no URL can have. `new URL` throws for them. */
const BAD_HOSTS = ['[::', 'a b', '%', 'x:99999', `xn--${'a'.repeat(20_000)}.x`];

// biome-ignore format: one row, one line
export const ORIGIN_ROWS: readonly HostileRow[] = [
  ...category('origins', [
    ['a heartbeat of a foreign origin is refused', heartbeat(absentBody(), from('https://evil.example')), foreignOrigin],
    ['a heartbeat of a foreign origin without a preflight is refused', heartbeat(absentBody(), { 'Content-Type': 'text/plain', Origin: 'https://evil.example' }), foreignOrigin],
    ['a leave of a foreign origin is refused', leave(`{"sessionId":"${PRESENT_ID}"}`, from('https://evil.example')), foreignOrigin],
    ['a read of the presence by a foreign origin is refused', request('GET', '/api/presence', { Origin: 'https://evil.example' }), foreignOrigin],
    ['a preflight of a foreign origin is refused', request('OPTIONS', '/api/heartbeat', { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST', }), foreignOrigin],
    ['a socket of a foreign origin is refused', upgrade({ Origin: 'https://evil.example' }), foreignOrigin],
    ['the origin null is refused', heartbeat(absentBody(), from('null')), foreignOrigin],
    ['a socket of the origin null is refused', upgrade({ Origin: 'null' }), foreignOrigin],
    ['an empty origin passes like no origin', heartbeat(presentBody(), from('')), OK],
    ['a listed origin as the start of a longer domain is refused', heartbeat(absentBody(), from(`${GOOD_ORIGIN}.evil.example`)), foreignOrigin],
    ['a socket of a listed origin as the start of a longer domain is refused', upgrade({ Origin: `${GOOD_ORIGIN}.evil.example` }), foreignOrigin],
    ['a listed name as the end of a longer name is refused', heartbeat(absentBody(), from('https://evilgood.example')), foreignOrigin],
    ['a subdomain of a listed origin is refused', heartbeat(absentBody(), from('https://www.good.example')), foreignOrigin],
    ['a listed origin as the user of a URL is refused', heartbeat(absentBody(), from(`${GOOD_ORIGIN}@evil.example`)), foreignOrigin],
    ['a listed origin with a path is refused', heartbeat(absentBody(), from(`${GOOD_ORIGIN}/${MARK}`)), foreignOrigin],
    ['a listed origin with a dot behind it is refused', heartbeat(absentBody(), from(`${GOOD_ORIGIN}.`)), foreignOrigin],
    ['a listed origin with another port is refused', heartbeat(absentBody(), from(`${GOOD_ORIGIN}:8443`)), foreignOrigin],
    ['a listed origin with another scheme is refused', heartbeat(absentBody(), from('http://good.example')), foreignOrigin],
    ['a listed origin in capitals is refused', heartbeat(absentBody(), from(GOOD_ORIGIN.toUpperCase())), foreignOrigin],
    ['a listed origin before a foreign one is refused', heartbeat(absentBody(), from(`${GOOD_ORIGIN}, https://evil.example`)), foreignOrigin],
    ['a heartbeat of the listed origin passes', heartbeat(presentBody(), from(GOOD_ORIGIN)), { status: 200, headers: readable }],
    ['the listed origin may read errors', heartbeat('', from(GOOD_ORIGIN)), { status: 400, code: 'malformed-json', headers: readable }],
    ['a preflight of the listed origin passes', preflight({ Origin: GOOD_ORIGIN }), { status: 204, headers: { ...readable, Vary: 'Origin, Access-Control-Request-Headers' } }],
    ['the listed origin gets a preflight for a path with a slash behind it', preflight({ Origin: GOOD_ORIGIN }, '/api/heartbeat/'), { status: 204, headers: readable }],
    ['the listed origin may send the headers that its preflight requests', preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': 'authorization,x-note' }), { status: 204, headers: { ...readable, 'Access-Control-Allow-Headers': 'Content-Type,Authorization,x-note' } }],
    ['a preflight repeats nothing but names of headers', preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': `<${MARK}>` }), { status: 204, headers: { 'Access-Control-Allow-Headers': 'Content-Type,Authorization' } }],
    ['a preflight repeats no thousand headers', preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': `${MARK},`.repeat(1_000) }), { status: 204, headers: { 'Access-Control-Allow-Headers': 'Content-Type,Authorization' } }],
    ['a preflight without an origin allows no credentials', preflight({}), { status: 204 }],
    ['an open service allows no credentials', heartbeat(presentBody(), from('https://evil.example')), { status: 200, headers: readableByAll }, open],
    ['a preflight of an open service allows no credentials', preflight({ Origin: 'https://evil.example', 'Access-Control-Request-Headers': MARK }), { status: 204, headers: { ...readableByAll, 'Access-Control-Allow-Headers': 'Content-Type,Authorization,*' } }, open],
    ['the page of the same host passes', fromHost('own.example', { Origin: 'http://own.example' }), OK],
    ['the page of the same host passes behind a proxy that ends TLS', fromHost('own.example', { Origin: 'https://own.example' }), OK],
    ['the page of the same host and port passes behind a proxy that ends TLS', fromHost('own.example:8443', { Origin: 'https://own.example:8443' }), OK],
    ['a page of another port of the same host is foreign', fromHost('own.example', { Origin: 'https://own.example:8443' }), foreignOrigin],
    ['a page of another scheme of the same host is foreign', fromHost('own.example', { Origin: 'app://own.example' }), foreignOrigin],
    ['headers that a client can send name no own host', fromHost('own.example', { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', Forwarded: 'host=evil.example;proto=https' }), foreignOrigin],
  ]),
  ...category('hosts', BAD_HOSTS.flatMap((host) => [
    [`a foreign origin is refused with the host ${host.slice(0, 9)}`, fromHost(host, { Origin: 'https://evil.example' }), foreignOrigin],
    [`an origin that repeats the host is refused with the host ${host.slice(0, 9)}`, fromHost(host, { Origin: `http://${host}` }), foreignOrigin],
    [`the listed origin passes with the host ${host.slice(0, 9)}`, fromHost(host, { Origin: GOOD_ORIGIN }), OK],
    [`a body of another type is read with the host ${host.slice(0, 9)}`, fromHost(host, { 'Content-Type': 'application/ld+json' }), OK],
    [`an unknown path gets 404 with the host ${host.slice(0, 9)}`, request('GET', `/${MARK}%`, { Host: host }), notFound],
    [`another method gets 405 with the host ${host.slice(0, 9)}`, request('PUT', '/api/leave', { Host: host }), notAllowed('POST, OPTIONS')],
    [`a socket opens with the host ${host.slice(0, 9)}`, upgrade({ Host: host }), { status: 101 }],
  ] as const)),
];
