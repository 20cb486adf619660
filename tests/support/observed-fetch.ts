import { observeResponse, requestOf } from './observations';

/** `fetch` whose answers are observed, for tests over HTTP. */
export async function observedFetch(url: URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  observeResponse(init?.method ?? 'GET', url, answer, requestOf(init));
  return answer;
}
