/** Anything that answers requests: the Worker, an app with its env, or a Miniflare. */
export type Fetch = (path: string, init?: RequestInit) => Response | Promise<Response>;

/** POSTs JSON, or text as it is, and says how long it is, as clients do. */
export function post(fetch: Fetch, path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(path, {
    method: 'POST',
    body: text,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': String(new TextEncoder().encode(text).byteLength),
      ...headers,
    },
  });
}
