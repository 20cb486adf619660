import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';
import { Worker } from './worker';

/** Asks with credentials and headers that need a preflight, and puts what came of it into the title. */
const FETCH = (service: string, sessionId: string) => `
  const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer x', 'X-Note': 'x' };
  const body = JSON.stringify({ sessionId: '${sessionId}', mood: 'release' });
  fetch('${service}/api/heartbeat', { method: 'POST', credentials: 'include', headers, body })
    .then((response) => response.json())
    .then(({ count }) => { document.title = 'count ' + count; }, () => { document.title = 'refused'; });
`;

/** Sends a beacon whose body is a Blob of JSON, or a string. */
const BEACON = (service: string, sessionId: string, body: 'blob' | 'string') => `
  const json = JSON.stringify({ sessionId: '${sessionId}' });
  const body = ${body === 'blob' ? "new Blob([json], { type: 'application/json' })" : 'json'};
  document.title = 'sent ' + navigator.sendBeacon('${service}/api/leave', body);
`;

describe.skipIf(NO_CHROMIUM)('a page of another origin', () => {
  let browser: Browser;
  let context: BrowserContext;
  const sites: OtherSite[] = [];
  const siteFor = async (worker: Worker, port?: number) => {
    const site = await OtherSite.start(worker.origin, port);
    sites.push(site);
    return site;
  };
  beforeAll(async () => {
    browser = await launch();
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    for (const site of sites.splice(0)) await site.close();
  });
  afterAll(() => browser.close());

  const titleOf = async (url: string) => {
    const page = await context.newPage();
    await page.goto(url);
    await expect.poll(() => page.title()).toMatch(/^(count|refused|sent)/);
    return page.title();
  };
  /** A session that is present now, and whether it still is. */
  const newcomer = async (worker: Worker) => {
    const sessionId = crypto.randomUUID();
    const count = async () => (await worker.presence()).moods.gratitude;
    const body = JSON.stringify({ sessionId, mood: 'gratitude' });
    await fetch(`${worker.origin}/api/heartbeat`, { method: 'POST', body });
    expect(await count()).toBe(1);
    return { sessionId, count };
  };

  it('a listed page reads the answer to a request with credentials', async () => {
    const worker = new Worker('listed');
    const site = await siteFor(worker, inject('listedPort'));
    const script = FETCH(worker.origin, crypto.randomUUID());
    expect(await titleOf(site.add('fetch', { script }))).toBe('count 1');
    expect(worker.requests).toContain('OPTIONS /api/heartbeat 204');
  });

  it('a listed page ends a session with a beacon whose body is a Blob of JSON', async () => {
    const worker = new Worker('listed');
    const site = await siteFor(worker, inject('listedPort'));
    const { sessionId, count } = await newcomer(worker);
    const script = BEACON(worker.origin, sessionId, 'blob');
    expect(await titleOf(site.add('beacon', { script }))).toBe('sent true');
    await expect.poll(count).toBe(0);
  });

  it('a page that is not listed reads nothing, and its beacons end no session', async () => {
    const worker = new Worker('listed');
    const site = await siteFor(worker);
    const { sessionId, count } = await newcomer(worker);
    const script = FETCH(worker.origin, crypto.randomUUID());
    expect(await titleOf(site.add('fetch', { script }))).toBe('refused');
    for (const body of ['blob', 'string'] as const) {
      const url = site.add(body, { script: BEACON(worker.origin, sessionId, body) });
      expect(await titleOf(url)).toBe('sent true');
    }
    await expect.poll(() => worker.requests).toContain('POST /api/leave 403');
    expect(await count()).toBe(1);
  });

  it('where every origin is allowed, a beacon of a string arrives, and credentials do not', async () => {
    const worker = new Worker('open');
    const site = await siteFor(worker);
    const { sessionId, count } = await newcomer(worker);
    const script = FETCH(worker.origin, crypto.randomUUID());
    expect(await titleOf(site.add('fetch', { script }))).toBe('refused');
    const beacon = BEACON(worker.origin, sessionId, 'string');
    expect(await titleOf(site.add('beacon', { script: beacon }))).toBe('sent true');
    await expect.poll(count).toBe(0);
  });
});
