// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '../../src/client/element';
import { api, passed } from './page';
import { problem, state } from './service';

let element: HTMLElement;

/** Where requests went, in their order. */
const asked = () => api.fetch.mock.calls.map(([input]) => String(input));

async function show(url: string) {
  element.setAttribute('url', url);
  document.body.append(element);
  await passed(1);
}

beforeEach(() => {
  vi.stubGlobal('fetch', api.fetch);
  element = document.createElement('presence-count');
  element.textContent = 'nobody';
});
afterEach(async () => {
  element.remove();
  await passed(1);
});

describe('<presence-count>', () => {
  it('shows how many are here, as the service at its url says', async () => {
    api.answer = () => Response.json(state(1_234));
    await show('https://here.example');
    expect(asked()).toEqual(['https://here.example/api/heartbeat']);
    expect(element.textContent).toBe((1_234).toLocaleString());
    expect(element.getAttribute('status')).toBe('live');
  });

  it('leaves one service for another when its url changes, and hears no more of the first', async () => {
    await show('https://here.example');
    api.delayMs = 5_000;
    element.setAttribute('url', 'https://there.example');
    await passed(100);
    expect(asked()).toEqual([
      'https://here.example/api/heartbeat',
      'https://there.example/api/heartbeat',
      'https://here.example/api/leave',
    ]);
    expect(element.getAttribute('status')).toBe('connecting');
  });

  it('whose url changes while it is in no page comes to the other service when it is in one again', async () => {
    await show('https://here.example');
    element.remove();
    element.setAttribute('url', 'https://there.example');
    await passed(60_000);
    expect(asked()).toEqual(['https://here.example/api/heartbeat', 'https://here.example/api/leave']);
    document.body.append(element);
    await passed(1);
    expect(asked().slice(2)).toEqual(['https://there.example/api/heartbeat']);
  });

  it('is stale, and keeps its number, while the service is out of reach', async () => {
    await show('https://here.example');
    api.answer = () => problem(503);
    await passed(12_000);
    expect(element.getAttribute('status')).toBe('stale');
    expect(element.textContent).toBe('1');
    api.answer = () => Response.json(state(2));
    await passed(12_000);
    expect(element.getAttribute('status')).toBe('live');
    expect(element.textContent).toBe('2');
  });
});
