import { vi } from 'vitest';
import type { PresenceState } from '../../src/client/presence';

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown> | undefined;
  readonly init: RequestInit;
}

/** A fake service: the `fetch` of a client, and the requests that it has received. */
export function fakeService() {
  const sent: Sent[] = [];
  const service = {
    sent,
    /** How many requests have no answer yet. */
    pending: 0,
    /** The time from a request to its answer (ms). */
    delayMs: 0,
    answer: (): Response | Promise<Response> => Response.json(state()),
    fetch: vi.fn(async (input: RequestInfo | URL, init: RequestInit = {}) => {
      const { pathname } = new URL(String(input));
      const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
      sent.push({ method: init.method ?? 'GET', path: pathname, body, init });
      service.pending += 1;
      return new Promise<Response>((resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        setTimeout(() => resolve(service.answer()), service.delayMs);
      }).finally(() => {
        service.pending -= 1;
      });
    }),
    /** The paths of the requests without `/api/`. */
    paths: () => sent.map(({ path }) => path.replace('/api/', '')),
    moods: () => sent.map(({ body }) => body?.['mood']),
  };
  return service;
}

export function state(count = 1): PresenceState {
  return {
    count,
    moods: { gratitude: 0, presence: count, release: 0, connection: 0 },
    timestamp: Date.now(),
  };
}

export function problem(status: number, headers: Record<string, string> = {}, body: object = {}): Response {
  return Response.json({ status, detail: 'Come again later.', ...body }, { status, headers });
}
