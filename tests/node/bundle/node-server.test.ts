import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createApp } from '../../../src/app';
import { post } from '../../support/http';
import { sessionId } from '../../support/session-id';

// A Node server passes a new `env` with each request: the incoming message and the outgoing response.

let server: Server;
let origin: string;
beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const app = createApp();
  server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = 'GET', url = '/' } = incoming;
    const body = method === 'POST' ? Buffer.concat(chunks) : null;
    const headers = { 'Content-Type': incoming.headers['content-type'] ?? '' };
    const request = new Request(`${origin}${url}`, { method, headers, body });
    const answer = await app.fetch(request, { incoming, outgoing });
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    outgoing.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

const request = (path: string, init?: RequestInit) => fetch(`${origin}${path}`, init);

it('a Node server counts all its requests together, and its health is degraded with `no-hub`', async () => {
  for (const count of [1, 2, 3]) {
    const answer = await post(request, '/api/heartbeat', { sessionId: sessionId(count), mood: 'release' });
    expect(await answer.json()).toMatchObject({ count });
  }
  expect(await (await request('/health')).json()).toMatchObject({ status: 'degraded', reason: 'no-hub' });
});
