import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Window } from 'happy-dom';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { MOODS } from '../../../src/moods';
import { bundleForWorkerd } from '../../support/bundle';
import { DeployedWorker } from '../../support/deployed-worker';
import { post } from '../../support/http';
import { sessionId } from '../../support/session-id';

// These tests build a copy of the project with another list of moods. The copy differs in one line.

const OTHERS = ['joy', 'calm', 'grief', 'hope', 'awe'];
const SECOND = 'calm';
const COPIED = ['src', 'tools/run.mjs', 'tools/site', 'package.json', 'tsconfig.json'];
const LIST = /(?<=MOODS = )\[.*\](?= as const;)/;
/** The Worker and the site build. The rest of the site runs in browsers, as the client does. */
const TYPES = {
  extends: './tsconfig.json',
  compilerOptions: {
    types: ['node', '@cloudflare/workers-types'],
    jsx: 'react-jsx',
    jsxImportSource: 'hono/jsx',
  },
  include: ['src', 'tools'],
  exclude: ['src/client', 'src/site/docs.ts', 'src/site/presence.ts'],
};

const folder = mkdtempSync(join(tmpdir(), 'other-moods-'));
const inSite = (file: string) => join(folder, 'dist/site', file);
let worker: DeployedWorker;

beforeAll(async () => {
  for (const path of COPIED) cpSync(path, join(folder, path), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const source = readFileSync('src/moods.ts', 'utf8');
  writeFileSync(join(folder, 'src/moods.ts'), source.replace(LIST, JSON.stringify(OTHERS)));
  execFileSync(process.execPath, ['tools/run.mjs', 'site', 'build'], { cwd: folder });
  await bundleForWorkerd('src/index.ts', join(folder, 'dist/index.js'), { absWorkingDir: folder });
  worker = await DeployedWorker.start({}, join(folder, 'dist'));
});
afterAll(async () => {
  await worker?.dispose();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const request = (path: string, init?: RequestInit) => fetch(worker.origin + path, init);
const heartbeat = (n: number, mood: string) =>
  post(request, '/api/heartbeat', { sessionId: sessionId(n), mood });

it('the Worker, the site build and the client type-check with other moods', () => {
  writeFileSync(join(folder, 'types.json'), JSON.stringify(TYPES));
  for (const project of ['types.json', 'src/client']) {
    const args = ['node_modules/typescript/bin/tsc', '--noEmit', '-p', project];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  }
}, 60_000);

it('a heartbeat in each of the other moods counts, and every answer has these moods in their order', async () => {
  for (const [n, mood] of OTHERS.entries()) {
    const response = await heartbeat(n, mood);
    expect(response.status).toBe(200);
    const moods = OTHERS.map((one, index) => [one, index <= n ? 1 : 0]);
    const { count, moods: counted } = (await response.json()) as { count: number; moods: object };
    expect(count).toBe(n + 1);
    expect(Object.entries(counted)).toEqual(moods);
  }
  for (const n of OTHERS.keys()) await post(request, '/api/leave', { sessionId: sessionId(n) });
  expect((await worker.presence()).count).toBe(0);
});

it.each(MOODS)(
  'a heartbeat in a mood of this project gets a problem that lists the other moods: %s',
  async (mood) => {
    const response = await heartbeat(1, mood);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: '/docs#invalid-body',
      errors: [{ pointer: '#/mood', detail: `must be one of: ${OTHERS.join(', ')}` }],
    });
  },
);

it('the OpenAPI document lists the other moods, and its text and examples have no mood of this project', async () => {
  const document = await (await request('/openapi.json')).text();
  const { components, paths } = JSON.parse(document);
  expect(components.schemas.Mood.enum).toEqual(OTHERS);
  const { moods } = components.schemas.PresenceState.properties;
  expect(Object.keys(moods.properties)).toEqual(OTHERS);
  expect(moods.required).toEqual(OTHERS);
  const { post: operation } = paths['/api/heartbeat'];
  expect(operation.requestBody.content['application/json'].example.mood).toBe(SECOND);
  const example = operation.responses['200'].content['application/json'].example;
  expect(Object.keys(example.moods)).toEqual(OTHERS);
  const sum = Object.values<number>(example.moods).reduce((total, people) => total + people);
  expect(example.count).toBe(sum);
  // In JSON, and in JSON within a text, whose quotes are escaped.
  for (const mood of MOODS) {
    expect(document).not.toMatch(new RegExp(`mood\\\\*": ?\\\\*"${mood}`));
    expect(document).not.toMatch(new RegExp(`"${mood}\\\\*": ?\\d`));
  }
});

it('the page has a button and two lights for each of the other moods, all in the default colour', async () => {
  const html = await (await request('/')).text();
  const window = new Window();
  const { document } = window;
  document.write(html.replaceAll(/<link[^>]*>|<script.*?<\/script>/g, ''));
  const style = document.createElement('style');
  style.textContent = readFileSync(inSite('page.css'), 'utf8');
  document.head.append(style);
  const buttons = [...document.querySelectorAll('button[data-mood]')];
  expect(buttons.map((button) => button.textContent.trim())).toEqual([
    'Joy –',
    'Calm –',
    'Grief –',
    'Hope –',
    'Awe –',
  ]);
  const pressed = buttons.filter((button) => button.getAttribute('aria-pressed') === 'true');
  expect(pressed.map((button) => button.getAttribute('data-mood'))).toEqual([SECOND]);
  const lights = [...document.querySelectorAll('.orb [data-mood]')];
  expect(lights.map((light) => light.getAttribute('data-mood'))).toEqual([...OTHERS, ...OTHERS]);
  const colours = [...buttons, ...lights].map((one) =>
    window.getComputedStyle(one).getPropertyValue('--mood'),
  );
  expect(new Set(colours).size).toBe(1);
  expect(colours[0]).toMatch(/^light-dark\(#[\da-f]{6}, ?#[\da-f]{6}\)$/);
  await window.happyDOM.close();
});

it('the client and the element send heartbeats in the second mood by default', async () => {
  vi.stubGlobal('document', { hidden: false });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  vi.stubGlobal('location', { href: worker.origin });
  vi.stubGlobal(
    'HTMLElement',
    class {
      readonly shadowRoot = { textContent: '' };
      getAttribute = (name: string) => (name === 'url' ? worker.origin : null);
      setAttribute = () => undefined;
    },
  );
  const moods = () => worker.presence().then((state) => state.moods);
  const zeros = Object.fromEntries(OTHERS.map((mood) => [mood, 0]));

  const { createPresence } = await import(/* @vite-ignore */ pathToFileURL(inSite('presence.js')).href);
  const presence = createPresence({ url: worker.origin });
  presence.start();
  await expect.poll(moods).toEqual({ ...zeros, [SECOND]: 1 });
  await presence.stop();
  await expect.poll(moods).toEqual(zeros);

  const { PresenceCount } = await import(
    /* @vite-ignore */ pathToFileURL(inSite('presence-element.js')).href
  );
  const element = new PresenceCount();
  element.connectedCallback();
  await expect.poll(moods).toEqual({ ...zeros, [SECOND]: 1 });
  element.disconnectedCallback();
  await expect.poll(moods).toEqual(zeros);
});
