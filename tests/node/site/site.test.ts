import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
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

/** The files that the one script of the page imports, directly or not. */
const SCRIPTS = [
  '/presence.js',
  '/here.js',
  '/words.js',
  '/day.js',
  '/circle.js',
  '/sentences.js',
  '/curve.js',
  '/service.js',
];

const get = (path: string, init?: RequestInit) => fetch(new URL(path, service.origin), init);

describe('GET /openapi.json', () => {
  it('/openapi.json is readable by every origin', async () => {
    const response = await get('/openapi.json');
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  it('caches may keep /openapi.json for an hour, and a client that has it gets 304', async () => {
    const response = await get('/openapi.json');
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=3600');
    const again = await get('/openapi.json', {
      headers: { 'If-None-Match': response.headers.get('ETag') ?? '' },
    });
    expect(again.status).toBe(304);
  });
});

describe('GET /', () => {
  it('the page loads only files of this service, and its policy allows no others', async () => {
    const response = await get('/');
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy.replace('worker-src blob:', '')).not.toMatch(/unsafe|http|\*|blob|data/);
    const { document } = parseHTML(await response.text());
    const loaded = [...document.querySelectorAll('[src], link')].map(
      (one) => one.getAttribute('src') ?? one.getAttribute('href'),
    );
    expect(loaded).toEqual([
      '/icon.svg',
      '/fraunces.woff2',
      ...SCRIPTS,
      '/page.css',
      '/orb.css',
      '/number.css',
      '/day.css',
      '/moods.css',
      '/footer.css',
      '/dialog.css',
      '/page.js',
    ]);
    for (const path of [...loaded, '/docs']) expect((await get(path ?? '')).status).toBe(200);
    expect(document.querySelector('a[href="/docs"]')).not.toBeNull();
  });

  it('the page preloads each script that its scripts import', async () => {
    const { document } = parseHTML(await (await get('/')).text());
    const preloaded = [...document.querySelectorAll('link[rel=modulepreload]')].map((one) =>
      one.getAttribute('href'),
    );
    const texts = await Promise.all(
      ['/page.js', ...SCRIPTS.slice(1)].map(async (path) => (await get(path)).text()),
    );
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/^import .*?'(.*)';$/gm)].map(([, path]) => path),
    );
    expect([...new Set(imported)].sort()).toEqual([...SCRIPTS].sort());
    expect(preloaded).toEqual(SCRIPTS);
  });

  it('the page has a title, a description and colours for links to it', async () => {
    const { document } = parseHTML(await (await get('/')).text());
    const metas = Object.fromEntries(
      [...document.querySelectorAll('meta[content]')].map((meta) => [
        meta.getAttribute('property') ?? meta.getAttribute('media') ?? meta.getAttribute('name'),
        meta.getAttribute('content'),
      ]),
    );
    expect(metas).toMatchObject({
      'og:title': document.title,
      'og:description': metas['description'],
      'og:type': 'website',
    });
    const [light, dark] = ['light', 'dark'].map((scheme) => metas[`(prefers-color-scheme: ${scheme})`]);
    expect(await (await get('/page.css')).text()).toContain(`--ground: light-dark(${light}, ${dark})`);
  });
});

describe.each(['/presence.js', '/presence-element.js'])('GET %s', (path) => {
  it(`${path} loads on pages of every origin, isolated ones too`, async () => {
    const { status, headers } = await get(path);
    expect(status).toBe(200);
    expect(headers.get('Content-Type')).toMatch(/^(text|application)\/javascript/);
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(headers.get('Cross-Origin-Resource-Policy')).toBe('cross-origin');
    expect(headers.get('Cache-Control')).toBe('public, max-age=3600');
  });
});

it('the element is one file', async () => {
  const file = 'dist/site/presence-element.js';
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'esm',
    write: false,
    metafile: true,
  });
  expect(Object.keys(metafile.inputs)).toEqual([file]);
});

describe('GET /docs', () => {
  const page = async () => parseHTML(await (await get('/docs')).text()).document;

  it('the page /docs loads only files of this service, and its policy allows no others', async () => {
    const policy = (await get('/docs')).headers.get('Content-Security-Policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|http|\*/);
    const loaded = [...(await page()).querySelectorAll('[src], link')].map(
      (one) => one.getAttribute('src') ?? one.getAttribute('href'),
    );
    expect(loaded).toEqual(['/icon.svg', '/docs.css', '/docs.js']);
    for (const path of loaded) expect((await get(path ?? '')).status).toBe(200);
  });

  it('the page /docs has less than 64 KiB with all its files', async () => {
    const sizes = ['docs.html', 'docs.css', 'docs.js', 'icon.svg'].map(
      (file) => readFileSync(`dist/site/${file}`).length,
    );
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(64 * 1024);
  });

  it('the page /docs has an entry for every operation and problem, and a target for every link', async () => {
    const document = await page();
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining([
        ...['heartbeat', 'presence', 'leave', 'live', 'channels', 'history', 'badge', 'health'],
        ...['heartbeatInChannel', 'presenceInChannel', 'leaveInChannel', 'liveInChannel'],
        ...Object.keys(PROBLEMS),
      ]),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...document.querySelectorAll('a')].map((link) => link.getAttribute('href') ?? '');
    expect(links.filter((link) => link.startsWith('#') && !ids.includes(link.slice(1)))).toEqual([]);
  });

  it('the page /docs has a command for every operation', async () => {
    const commands = [...(await page()).querySelectorAll('.command')].map(({ textContent }) =>
      textContent.trim(),
    );
    expect(commands).toEqual([
      `curl http://localhost:8787/api/heartbeat --json '{"sessionId":"5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10","mood":"presence"}'`,
      'curl http://localhost:8787/api/presence',
      `curl http://localhost:8787/api/leave --json '{"sessionId":"5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10"}'`,
      `new WebSocket('ws://localhost:8787/api/live').onmessage = ({ data }) => console.log(data)`,
      `curl 'http://localhost:8787/api/channels?names=lobby,post-7'`,
      `curl http://localhost:8787/api/channels/lobby/heartbeat --json '{"sessionId":"5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10","mood":"presence"}'`,
      'curl http://localhost:8787/api/channels/lobby/presence',
      `curl http://localhost:8787/api/channels/lobby/leave --json '{"sessionId":"5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10"}'`,
      `new WebSocket('ws://localhost:8787/api/channels/lobby/live').onmessage = ({ data }) => console.log(data)`,
      'curl http://localhost:8787/api/history',
      `curl 'http://localhost:8787/api/badge?label=breathing%20now'`,
      'curl http://localhost:8787/health',
    ]);
  });
});

it('the script of /docs puts the address of the service into the commands, and copies them', async () => {
  const writeText = vi.fn(async () => undefined);
  const { document } = parseHTML(await (await get('/docs')).text());
  vi.stubGlobal('document', document);
  vi.stubGlobal('location', { origin: 'https://presence.example' });
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  // This is the served file, not its source.
  await import(/* @vite-ignore */ pathToFileURL('dist/site/docs.js').href);
  const buttons = [...document.querySelectorAll('.command button')];
  for (const button of buttons) button.click();
  expect(writeText).toHaveBeenCalledTimes(12);
  expect(writeText).toHaveBeenCalledWith('curl https://presence.example/api/presence');
  expect(writeText).toHaveBeenCalledWith(
    expect.stringContaining(`new WebSocket('wss://presence.example/api/live')`),
  );
  await vi.waitFor(() => expect(buttons[1]?.textContent).toBe('Copied'));
  vi.unstubAllGlobals();
});

it('the Worker answers paths that are no static assets', async () => {
  expect((await observedFetch(new URL('/nowhere', service.origin))).status).toBe(404);
  expect((await observedFetch(new URL('/health', service.origin))).status).toBe(200);
});
