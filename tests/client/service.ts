import { vi } from 'vitest';
import type { PresenceState } from '../../src/client/presence';

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown> | undefined;
  readonly init: RequestInit;
}

/** What the service would answer, in place of it: a client's `fetch`, and what came by it. */
export function fakeService() {
  const sent: Sent[] = [];
  const service = {
    sent,
    /** Answers of `answer` come this much later. */
    delayMs: 0,
    answer: (): Response | Promise<Response> => Response.json(state()),
    fetch: vi.fn(async (input: RequestInfo | URL, init: RequestInit = {}) => {
      const { pathname } = new URL(String(input));
      const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
      sent.push({ method: init.method ?? 'GET', path: pathname, body, init });
      return new Promise<Response>((resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        setTimeout(() => resolve(service.answer()), service.delayMs);
      });
    }),
    paths: () => sent.map(({ path }) => path.replace('/api/', '')),
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

export function problem(status: number, headers: Record<string, string> = {}): Response {
  return Response.json({ status, detail: 'Come again later.' }, { status, headers });
}
