import { foreignOrigin, from, growing, notAllowed, notFound, request } from './hostile-requests';
import { category, type Expected, type HostileRow, MARK } from './hostile-row';

const history = (query = '', headers = {}) => request('GET', `/api/history${query}`, headers);
const badge = (query = '', headers = {}) => request('GET', `/api/badge${query}`, headers);
const cached: Expected = { status: 200, headers: { 'Cache-Control': 'public, max-age=60' } };
const noLabel: Expected = { status: 400, code: 'invalid-query', body: '"pointer":"#/label"' };

// biome-ignore format: one row, one line
export const HISTORY_ROWS: readonly HostileRow[] = [
  ...category('history and badge', [
    ['a history ignores a query', history(`?channel=${MARK}&stepMs=1&names=${MARK}`), cached],
    ['a history of a channel is no path', request('GET', '/api/channels/lobby/history'), notFound],
    ['POST reads no history', request('POST', '/api/history', {}, '{}'), notAllowed('GET, HEAD, OPTIONS')],
    ['a foreign origin gets no history', history('', from('https://evil.example')), foreignOrigin],
    ['a hundred requests for the history get it', { flood: Array.from({ length: 100 }, () => history()) }, cached],
    ['a service on KV has no history', history(), { status: 404, code: 'no-history' }, { variables: { PRESENCE_HUB: 'kv' } }],
    ['a label with HTML is refused', badge(`?label=%3Cimg%20src=${MARK}%3E`), noLabel],
    ['a label with a line break is refused', badge(`?label=${MARK}%0D%0ASet-Cookie:%20a=b`), noLabel],
    ['a label with a zero byte is refused', badge(`?label=${MARK}%00`), noLabel],
    ['a label of 42 characters is refused', badge(`?label=${MARK.repeat(3)}`), noLabel],
    ['two labels are refused', badge(`?label=${MARK}&label=${MARK}`), noLabel],
    ['a label with a lone half of a character is replaced by U+FFFD', badge('?label=%ED%A0%80'), cached],
    ['a label that is no UTF-8 is accepted', badge('?label=%FF%FE'), cached],
    ['a label that ends with a percent sign is accepted', badge('?label=%'), cached],
    ['a label with the name of a property is in the badge', badge('?label=__proto__&__proto__=x&constructor=x'), { ...cached, body: '"label":"__proto__"' }],
    ['other parameters of a badge are ignored', badge(`?message=${MARK}&color=${MARK}`), cached],
    growing('a long label', (length) => badge(`?label=${'x'.repeat(length)}`), noLabel, 1_000),
  ]),
];
