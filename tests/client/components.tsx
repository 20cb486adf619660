import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import '../../src/client/element';
import { createPresence, type PresenceOptions } from '../../src/client/presence';
import { usePresence } from '../../src/client/react';
import { state } from './service';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** Tests the hook, the client and the element in a simulated DOM. Otherwise a missing global can fail the tests of a user's component. */
export function testComponents(): void {
  const options: PresenceOptions & { url: string } = { url: '', robots: 'count' };
  const service = createServer((_, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.end(JSON.stringify(state()));
  });
  beforeAll(async () => {
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    options.url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
  });
  afterAll(() => void service.close());
  // React prints each update outside of `act`.
  beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue());

  function Count() {
    return <p>{usePresence(options).data?.count ?? '…'}</p>;
  }

  async function mount() {
    const root = createRoot(document.body.appendChild(document.createElement('main')));
    await act(async () => root.render(<Count />));
    return root;
  }

  it('a component with the hook renders and unmounts', async () => {
    const root = await mount();
    expect(document.body.textContent).toMatch(/[…1]/);
    await act(async () => root.unmount());
    await new Promise((resolve) => setTimeout(resolve, 300));
  });

  it('a client stops after pagehide without an error', async () => {
    const presence = createPresence(options);
    presence.start();
    dispatchEvent(new Event('pagehide'));
    await presence.stop();
    expect(presence.getSnapshot().status).toBe('idle');
  });

  it('the element connects, and keeps its content after its removal', async () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const element = document.createElement('presence-count');
    element.setAttribute('url', options.url);
    element.textContent = 'some';
    document.body.append(element);
    await vi.waitFor(() => expect(element.getAttribute('status')).toMatch(/connecting|live/));
    element.remove();
    expect(element.textContent).toBe('some');
  });

  it.each(['fetch', 'Request', 'AbortSignal', 'BroadcastChannel', 'crypto', 'WebSocket'])(
    'a client starts, reads no history and stops without %s',
    async (name) => {
      vi.stubGlobal(name, undefined);
      const presence = createPresence(options);
      presence.start();
      presence.setMood('release');
      expect(await presence.history()).toBeNull();
      await presence.stop();
      vi.unstubAllGlobals();
      expect(presence.getSnapshot().status).toBe('idle');
    },
  );

  // Last, because this component stays mounted.
  it('a component with the hook may stay mounted at the end of a test file', async () => {
    await mount();
  });
}
