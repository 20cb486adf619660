// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PresenceCount } from '../../src/client/element';
import { advance, api, STOP_MS } from './page';
import { problem, state } from './service';

let element: PresenceCount;

/** The URLs of the requests, in the order of sending. */
const requested = () => api.fetch.mock.calls.map(([input]) => String(input));
/** The text that the element shows in place of its content. */
const shown = () => element.shadowRoot?.textContent;

async function show(url: string) {
  element.setAttribute('url', url);
  document.body.append(element);
  await advance(20);
}

beforeEach(() => {
  vi.stubGlobal('fetch', api.fetch);
  element = document.createElement('presence-count');
  element.setAttribute('robots', 'count');
  element.textContent = 'some';
});
afterEach(async () => {
  element.remove();
  document.documentElement.lang = '';
  await advance(STOP_MS);
});

describe('<presence-count>', () => {
  it('the element shows the count of the service at its url, and does not change its content', async () => {
    api.answer = () => Response.json(state(1_234));
    await show('https://here.example');
    expect(requested()).toEqual(['https://here.example/api/heartbeat']);
    expect(shown()).toBe((1_234).toLocaleString());
    expect(element.textContent).toBe('some');
    expect(element.getAttribute('status')).toBe('live');
  });

  it('the element shows its content until the first answer', async () => {
    api.delayMs = 1_000;
    await show('https://here.example');
    expect(element.shadowRoot?.innerHTML).toBe('<slot></slot>');
    expect(element.getAttribute('status')).toBe('connecting');
  });

  it.each([
    ['de', '1.234'],
    ['en', '1,234'],
    ['hi', '1,234'],
    ['fr', '1\u202f234'],
  ])('the element writes the number in the language of the page, %s', async (lang, number) => {
    api.answer = () => Response.json(state(1_234));
    document.documentElement.lang = lang;
    await show('https://here.example');
    expect(shown()).toBe(number);
  });

  it('the element shows the number even if the language of the page is no language tag', async () => {
    api.answer = () => Response.json(state(7));
    document.documentElement.lang = 'en_US!';
    await show('https://here.example');
    expect(shown()).toBe('7');
  });

  it('an element that changes its url leaves the first service and connects to the second one', async () => {
    await show('https://here.example');
    api.delayMs = 5_000;
    element.setAttribute('url', 'https://there.example');
    await advance(STOP_MS);
    expect(requested()).toEqual([
      'https://here.example/api/heartbeat',
      'https://there.example/api/heartbeat',
      'https://here.example/api/leave',
    ]);
    expect(element.getAttribute('status')).toBe('connecting');
  });

  it('an element that changes its channel shows its content until an answer, and warns again', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    api.answer = () => Response.json(state(1_234));
    element.setAttribute('channel', 'post-1');
    await show('https://here.example');
    for (const channel of ['no-1', 'no-2']) {
      api.answer = () => problem(404);
      element.setAttribute('channel', channel);
      await advance(20);
      expect(element.shadowRoot?.innerHTML).toBe('<slot></slot>');
    }
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
  });

  it('an element that changes its channel leaves the channel before', async () => {
    element.setAttribute('channel', 'post-1');
    await show('https://here.example');
    element.setAttribute('channel', 'post-2');
    await advance(STOP_MS);
    element.removeAttribute('channel');
    await advance(STOP_MS);
    expect(requested().map((url) => url.replace('https://here.example/api/', ''))).toEqual([
      'channels/post-1/heartbeat',
      'channels/post-2/heartbeat',
      'channels/post-1/leave',
      'heartbeat',
      'channels/post-2/leave',
    ]);
  });

  it('an element whose url and channel change in one tick connects once, with both', async () => {
    element.setAttribute('channel', 'post-1');
    await show('https://here.example');
    element.setAttribute('url', 'https://there.example');
    element.setAttribute('channel', 'post-2');
    await advance(STOP_MS);
    expect(requested()).toEqual([
      'https://here.example/api/channels/post-1/heartbeat',
      'https://there.example/api/channels/post-2/heartbeat',
      'https://here.example/api/channels/post-1/leave',
    ]);
  });

  it('an element that changes its url and leaves the page in one tick sends only its leave', async () => {
    await show('https://here.example');
    element.setAttribute('url', 'https://there.example');
    element.remove();
    await advance(60_000);
    expect(requested()).toEqual(['https://here.example/api/heartbeat', 'https://here.example/api/leave']);
  });

  it('an attribute that gets its own value again changes nothing', async () => {
    element.setAttribute('channel', 'post-1');
    element.setAttribute('mood', 'release');
    await show('https://here.example');
    const stored = { ...localStorage };
    await advance(5);
    for (const name of ['url', 'channel', 'mood'])
      element.setAttribute(name, element.getAttribute(name) ?? '');
    await advance(STOP_MS);
    expect(requested()).toHaveLength(1);
    expect({ ...localStorage }).toEqual(stored);
    expect(shown()).toBe('1');
  });

  it('an element outside of the page takes a new url and sends nothing until it is back', async () => {
    await show('https://here.example');
    element.remove();
    await advance(STOP_MS);
    element.setAttribute('url', 'https://there.example');
    await advance(60_000);
    expect(requested()).toEqual(['https://here.example/api/heartbeat', 'https://here.example/api/leave']);
    document.body.append(element);
    await advance(1);
    expect(requested().slice(2)).toEqual(['https://there.example/api/heartbeat']);
  });

  it('an element is stale, keeps its number and warns once with the reason while the service fails', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    await show('https://here.example');
    api.answer = () => problem(503);
    await advance(60_000);
    expect(element.getAttribute('status')).toBe('stale');
    expect(shown()).toBe('1');
    expect(warn.mock.calls).toEqual([['<presence-count> cannot count: 503 Come again later.']]);
    api.answer = () => Response.json(state(2));
    await advance(120_000);
    expect(element.getAttribute('status')).toBe('live');
    expect(shown()).toBe('2');
  });

  it('the warning for a wrong mood has the pointer into the body', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const errors = [{ pointer: '#/mood', detail: 'must be one of: gratitude' }];
    api.answer = () => problem(400, {}, { errors });
    element.setAttribute('mood', 'happy');
    await show('https://here.example');
    expect(warn).toHaveBeenCalledWith('<presence-count> cannot count: 400 #/mood: must be one of: gratitude');
  });

  it.each([
    ['the attribute is empty', () => element.setAttribute('mood', '')],
    ['the property is null, as React sets it', () => Object.assign(element, { mood: null })],
  ])('the element only watches if %s', async (_, watch) => {
    watch();
    await show('https://here.example');
    expect(requested()).toEqual(['https://here.example/api/presence']);
    expect(element.mood).toBeNull();
  });

  it('a change of the mood property changes the attribute and sends a heartbeat', async () => {
    element.mood = 'release';
    await show('https://here.example');
    element.mood = 'gratitude';
    await advance(1);
    expect(element.getAttribute('mood')).toBe('gratitude');
    element.mood = undefined;
    await advance(1);
    expect(element.hasAttribute('mood')).toBe(false);
    expect(api.moods()).toEqual(['release', 'gratitude']);
  });

  it('the element counts again when its empty mood is removed', async () => {
    element.mood = null;
    await show('https://here.example');
    element.removeAttribute('mood');
    await advance(1);
    expect(requested()).toEqual(['https://here.example/api/presence', 'https://here.example/api/heartbeat']);
    expect(api.moods().at(-1)).toBe('presence');
  });

  it('the element takes a mood that a script set before the class was defined', async () => {
    Object.defineProperty(element, 'mood', { value: 'release', configurable: true, writable: true });
    await show('https://here.example');
    expect(api.moods()).toEqual(['release']);
    element.mood = 'gratitude';
    await advance(1);
    expect(api.moods()).toEqual(['release', 'gratitude']);
  });

  it('the element without robots="count" only watches in a browser that a program drives', async () => {
    element.removeAttribute('robots');
    await show('https://here.example');
    expect(requested()).toEqual(['https://here.example/api/presence']);
  });

  it('the element sets its status attribute only after the page has loaded', async () => {
    // React compares attributes while it hydrates.
    vi.spyOn(document, 'readyState', 'get').mockReturnValue('interactive');
    await show('https://here.example');
    await advance(100);
    expect(element.hasAttribute('status')).toBe(false);
    expect(shown()).toBe('1');
    dispatchEvent(new Event('load'));
    expect(element.hasAttribute('status')).toBe(false);
    await advance(100);
    expect(element.getAttribute('status')).toBe('live');
  });

  it('a second copy of the module does not redefine the element and does not throw', async () => {
    vi.resetModules();
    const again = await import('../../src/client/element');
    expect(again.PresenceCount).not.toBe(PresenceCount);
    expect(customElements.get('presence-count')).toBe(PresenceCount);
  });
});
