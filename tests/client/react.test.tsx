// @vitest-environment happy-dom
import { act, type ReactNode, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PresenceOptions } from '../../src/client/presence';
import { usePresence } from '../../src/client/react';
import { api } from './page';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;

function Count(options: PresenceOptions) {
  const { status, data } = usePresence({ url: 'https://presence.example', fetch: api.fetch, ...options });
  return `${status} ${data?.count}`;
}
const passed = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
async function show(node: ReactNode) {
  await act(async () => root.render(node));
  await passed(5);
}
const render = (options: PresenceOptions = {}) =>
  show(
    <StrictMode>
      <Count {...options} />
    </StrictMode>,
  );

beforeEach(() => {
  root = createRoot(document.body.appendChild(document.createElement('main')));
});
afterEach(() => show(null));

describe('usePresence', () => {
  it('shows the snapshot', async () => {
    await render();
    expect(document.body.textContent).toBe('live 1');
  });

  it('mounted twice by StrictMode it comes once, and does not leave', async () => {
    await render();
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('does not leave when the mood changes', async () => {
    await render({ mood: 'presence' });
    await render({ mood: 'release' });
    await render({ mood: 'connection' });
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat']);
    expect(api.sent.map(({ body }) => body?.['mood'])).toEqual(['presence', 'release', 'connection']);
    expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
  });

  it('is rendered again only when something has changed', async () => {
    let renders = 0;
    function Counted() {
      usePresence({ url: 'https://presence.example', fetch: api.fetch });
      renders++;
      return null;
    }
    await show(<Counted />);
    const before = renders;
    await passed(8_000);
    expect(renders).toBe(before);
    await passed(4_000);
    expect(renders).toBe(before + 1);
  });

  it('leaves when it is unmounted', async () => {
    await render();
    await show(null);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
  });

  it('is idle on a server, where nothing is sent', () => {
    expect(renderToString(<Count />)).toBe('idle undefined');
    expect(api.sent).toEqual([]);
  });
});
