// @vitest-environment happy-dom
import { act, type ReactNode, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PresenceOptions } from '../../src/client/presence';
import { usePresence } from '../../src/client/react';
import { FakeLocks } from './locks';
import { api, STOP_MS, withOptions } from './page';
import { state } from './service';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;

function Count(options: PresenceOptions) {
  const { status, data, mood } = usePresence(withOptions(options));
  return `${status} ${data?.count} ${mood}`;
}
const advance = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
async function show(node: ReactNode) {
  await act(async () => root.render(node));
  await advance(5);
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
afterEach(async () => {
  await show(null);
  await advance(STOP_MS);
});

describe('usePresence', () => {
  it('the hook returns the snapshot', async () => {
    await render();
    expect(document.body.textContent).toBe('live 1 presence');
  });

  it('the hook returns others with the data', async () => {
    const others: unknown[] = [];
    function Others() {
      others.push(usePresence(withOptions()).others);
      return null;
    }
    api.answer = () => Response.json(state(4));
    await show(<Others />);
    expect([others.at(0), others.at(-1)]).toEqual([null, 3]);
  });

  it('a component that StrictMode mounts twice sends one heartbeat and no leave', async () => {
    await render();
    await advance(STOP_MS);
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('a component that changes its mood sends heartbeats and no leave', async () => {
    await render({ mood: 'presence' });
    await render({ mood: 'release' });
    await render({ mood: 'connection' });
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat']);
    expect(api.moods()).toEqual(['presence', 'release', 'connection']);
    expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
  });

  it('a component that watched counts with the choice of the visit when it has no mood', async () => {
    await render({ mood: 'release' });
    await render({ mood: null });
    expect(document.body.textContent).toBe('live 1 null');
    await render({ mood: undefined });
    expect(document.body.textContent).toBe('live 1 release');
    expect(api.moods().at(-1)).toBe('release');
  });

  it('a component that changes its channel shows the new count and leaves the old channel', async () => {
    await render({ channel: 'post-1' });
    api.answer = () => Response.json(state(5));
    api.delayMs = 50;
    await render({ channel: 'post-2' });
    expect(document.body.textContent).toBe('connecting undefined presence');
    await advance(STOP_MS + 50);
    expect(document.body.textContent).toBe('live 5 presence');
    expect(api.paths().sort()).toEqual([
      'channels/post-1/heartbeat',
      'channels/post-1/leave',
      'channels/post-2/heartbeat',
    ]);
    expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
    api.sent.length = 0;
    await advance(25_000);
    expect(new Set(api.paths())).toEqual(new Set(['channels/post-2/heartbeat']));
  });

  it('a channel that a render returns to within 200 ms gets no leave', async () => {
    vi.stubGlobal('navigator', { locks: new FakeLocks(), userAgent: '', webdriver: false });
    await render({ channel: 'post-1' });
    await render({ channel: 'post-2' });
    await render({ channel: 'post-1' });
    await advance(2_000);
    expect(api.paths().filter((path) => path.endsWith('leave'))).toEqual(['channels/post-2/leave']);
    expect(document.body.textContent).toBe('live 1 presence');
  });

  it('a component without a mood takes the mood that another component has chosen', async () => {
    await show(
      <>
        <Count mood="release" />
        <Count />
      </>,
    );
    await advance(12_000);
    expect(document.body.textContent).toBe('live 1 releaselive 1 release');
    expect(new Set(api.moods())).toEqual(new Set(['release']));
  });

  it('a component renders only when the snapshot has changed', async () => {
    let renders = 0;
    function Counted() {
      usePresence(withOptions());
      renders++;
      return null;
    }
    await show(<Counted />);
    const before = renders;
    await advance(8_000);
    expect(renders).toBe(before);
    api.answer = () => Response.json(state(2));
    await advance(4_000);
    expect(renders).toBe(before + 1);
  });

  it('a component sends a leave after it unmounts', async () => {
    await render();
    await show(null);
    await advance(STOP_MS);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
  });

  it('a component that replaces another one within 200 ms causes no leave', async () => {
    vi.stubGlobal('navigator', { locks: new FakeLocks(), userAgent: '', webdriver: false });
    await show(<Count key="first" />);
    await show(null);
    await advance(100);
    await show(<Count key="second" />);
    await advance(2_000);
    expect(api.paths()).not.toContain('leave');
  });

  it('the hook is idle in a render on a server, and sends nothing', () => {
    expect(renderToString(<Count />)).toBe('idle undefined presence');
    expect(api.sent).toEqual([]);
  });
});
