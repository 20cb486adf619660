import { observeResponse, requestOf } from './observations';

/** A `fetch` for tests over HTTP. It compares each answer with the OpenAPI document. */
export async function observedFetch(url: URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  observeResponse(init?.method ?? 'GET', url, answer, requestOf(init));
  return answer;
}
