import { bodyOf, observe } from './observations';

/** `fetch` whose answers are noted, for tests that ask a service over HTTP. */
export async function observedFetch(url: URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  observe(init?.method ?? 'GET', url, answer, bodyOf(answer));
  return answer;
}
