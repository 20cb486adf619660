import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openApiDocument } from '../../../src/api/openapi';
import { PROBLEMS } from '../../../src/api/problems';
import { DeployedWorker } from '../../support/deployed-worker';
import { observedFetch } from '../../support/observed-fetch';

let service: DeployedWorker;
beforeAll(async () => {
  service = await DeployedWorker.start();
});
afterAll(() => service.dispose());

const get = (path: string, init?: RequestInit) => fetch(new URL(path, service.origin), init);

describe('GET /openapi.json', () => {
  it('is the document, for browsers of every origin', async () => {
    const response = await get('/openapi.json');
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  it('may be kept by caches, and is not sent again to who has it', async () => {
    const response = await get('/openapi.json');
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=3600');
    const again = await get('/openapi.json', {
      headers: { 'If-None-Match': response.headers.get('ETag') ?? '' },
    });
    expect(again.status).toBe(304);
  });
});

describe('GET /', () => {
  it('runs nothing and loads nothing but what this service has', async () => {
    const response = await get('/');
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy.replace('worker-src blob:', '')).not.toMatch(/unsafe|http|\*|blob|data/);
    const { document } = parseHTML(await response.text());
    const loaded = [...document.querySelectorAll('[src], link')].map(
      (one) => one.getAttribute('src') ?? one.getAttribute('href'),
    );
    expect(loaded).toEqual(['/icon.svg', '/fraunces.woff2', '/page.css', '/orb.css', '/here.js', '/page.js']);
    for (const path of [...loaded, '/docs']) expect((await get(path ?? '')).status).toBe(200);
    expect(document.querySelector('a[href="/docs"]')).not.toBeNull();
  });
});

describe.each(['/presence.js', '/presence-element.js'])('GET %s', (path) => {
  it('is a module for pages of every origin, isolated ones too', async () => {
    const { status, headers } = await get(path);
    expect(status).toBe(200);
    expect(headers.get('Content-Type')).toMatch(/^(text|application)\/javascript/);
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(headers.get('Cross-Origin-Resource-Policy')).toBe('cross-origin');
    expect(headers.get('Cache-Control')).toBe('public, max-age=3600');
  });
});

it('the element takes the client that is served beside it', async () => {
  expect(await (await get('/presence-element.js')).text()).toContain('from"./presence.js"');
});

describe('GET /docs', () => {
  const page = async () => parseHTML(await (await get('/docs')).text()).document;

  it('runs nothing and loads nothing but what this service has', async () => {
    const policy = (await get('/docs')).headers.get('Content-Security-Policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|http|\*/);
    const loaded = [...(await page()).querySelectorAll('[src], link')].map(
      (one) => one.getAttribute('src') ?? one.getAttribute('href'),
    );
    expect(loaded).toEqual(['/icon.svg', '/docs.css', '/docs.js']);
    for (const path of loaded) expect((await get(path ?? '')).status).toBe(200);
  });

  it('weighs less than 64 KiB, with all that it loads', async () => {
    const sizes = ['docs.html', 'docs.css', 'docs.js', 'icon.svg'].map(
      (file) => readFileSync(`dist/site/${file}`).length,
    );
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(64 * 1024);
  });

  it('has an entry for every operation and for the type of every problem, and no link to nothing', async () => {
    const document = await page();
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining(['heartbeat', 'presence', 'leave', 'live', 'health', ...Object.keys(PROBLEMS)]),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...document.querySelectorAll('a')].map((link) => link.getAttribute('href') ?? '');
    expect(links.filter((link) => link.startsWith('#') && !ids.includes(link.slice(1)))).toEqual([]);
  });

  it('has a command for every operation', async () => {
    const commands = [...(await page()).querySelectorAll('.command')].map(({ textContent }) =>
      textContent.trim(),
    );
    expect(commands).toEqual([
      `curl http://localhost:8787/api/heartbeat --json '{"sessionId":"5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10","mood":"presence"}'`,
      'curl http://localhost:8787/api/presence',
      `curl http://localhost:8787/api/leave --json '{"sessionId":"5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10"}'`,
      `new WebSocket('ws://localhost:8787/api/live').onmessage = ({ data }) => console.log(data)`,
      'curl http://localhost:8787/health',
    ]);
  });
});

it('the script puts the address of the service into the commands, and copies them', async () => {
  const writeText = vi.fn(async () => undefined);
  const { document } = parseHTML(await (await get('/docs')).text());
  vi.stubGlobal('document', document);
  vi.stubGlobal('location', { origin: 'https://presence.example' });
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  // What is served, not what it is made from.
  await import(/* @vite-ignore */ pathToFileURL('dist/site/docs.js').href);
  const buttons = [...document.querySelectorAll('.command button')];
  for (const button of buttons) button.click();
  expect(writeText).toHaveBeenCalledTimes(5);
  expect(writeText).toHaveBeenCalledWith('curl https://presence.example/api/presence');
  expect(writeText).toHaveBeenCalledWith(
    expect.stringContaining(`new WebSocket('wss://presence.example/api/live')`),
  );
  await vi.waitFor(() => expect(buttons[1]?.textContent).toBe('Copied'));
  vi.unstubAllGlobals();
});

it('other paths are answered by the Worker', async () => {
  expect((await observedFetch(new URL('/nowhere', service.origin))).status).toBe(404);
  expect((await observedFetch(new URL('/health', service.origin))).status).toBe(200);
});
