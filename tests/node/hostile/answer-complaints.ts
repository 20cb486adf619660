import { GOOD_ORIGIN, type HostileRow, MARK } from './hostile-row';
import type { RawAnswer, RawRequest } from './raw-http';

const BODY_BYTES_MAX = 2_000;

/** Returns what is wrong with the answer to a row. */
export function complaintsOf(
  answer: RawAnswer | undefined,
  sends: RawRequest,
  { expected, variables }: HostileRow,
): readonly string[] {
  if (answer?.text.includes(MARK)) return ['repeats the request'];
  if (expected === 'refused by server') {
    return answer === undefined || [400, 413, 501].includes(answer.status)
      ? []
      : [`answers ${answer.status}`];
  }
  if (answer === undefined || !('status' in expected)) return ['does not answer'];
  const { status, code, headers = {}, body = '' } = expected;
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
    ...(answer.body.includes(body) ? [] : [`answers ${answer.body} without ${body}`]),
    ...(sends.method === 'HEAD' && answer.body !== '' ? ['answers a body to HEAD'] : []),
  ];
}

/** Only the listed origin may send credentials, and only an answer to it allows them. */
function complaintsOfCredentials({ headers }: RawAnswer, mayAllow: boolean): readonly string[] {
  const allowed = headers.get('Access-Control-Allow-Credentials');
  if (!mayAllow) return allowed === null ? [] : ['allows credentials'];
  const origin = headers.get('Access-Control-Allow-Origin');
  return allowed === 'true' && origin === GOOD_ORIGIN ? [] : ['does not allow credentials'];
}

const isListed = ({ headers }: RawRequest, variables: HostileRow['variables']) =>
  headers.some(([name, value]) => name === 'Origin' && value === GOOD_ORIGIN) &&
  variables?.['ALLOWED_ORIGINS'] !== '*';

function isProblem(body: string, status: number, code: string): boolean {
  try {
    const problem = JSON.parse(body);
    return problem.type === `/docs#${code}` && problem.status === status;
  } catch {
    return false;
  }
}
