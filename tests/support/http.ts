/** The `fetch` of a Worker, of an app with its env, or of a Miniflare. */
export type Fetch = (path: string, init?: RequestInit) => Response | Promise<Response>;

/** POSTs JSON, or a text without a change. It sets `Content-Length`, as clients do. */
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
