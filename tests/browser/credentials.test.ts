import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DeployedWorker } from '../support/deployed-worker';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';

/** The script of a page that sends credentials and headers that need a preflight. The title shows the result. */
const FETCH = (service: string, sessionId: string) => `
  const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer x', 'X-Note': 'x' };
  const body = JSON.stringify({ sessionId: '${sessionId}', mood: 'release' });
  fetch('${service}/api/heartbeat', { method: 'POST', credentials: 'include', headers, body })
    .then((response) => response.json())
    .then(({ count }) => { document.title = 'count ' + count; }, () => { document.title = 'refused'; });
`;

/** The script of a page that sends a beacon whose body is a Blob of JSON, or a string. */
const BEACON = (service: string, sessionId: string, body: 'blob' | 'string') => `
  const json = JSON.stringify({ sessionId: '${sessionId}' });
  const body = ${body === 'blob' ? "new Blob([json], { type: 'application/json' })" : 'json'};
  document.title = 'sent ' + navigator.sendBeacon('${service}/api/leave', body);
`;

describe.skipIf(NO_CHROMIUM)('pages of other origins', () => {
  let browser: Browser;
  let context: BrowserContext;
  let listed: OtherSite;
  let unlisted: OtherSite;
  /** Allows the origin of the listed site only. */
  let strict: DeployedWorker;
  /** Allows every origin. */
  let lenient: DeployedWorker;
  beforeAll(async () => {
    browser = await launch();
    listed = await OtherSite.start();
    unlisted = await OtherSite.start();
    strict = await DeployedWorker.start({ ALLOWED_ORIGINS: listed.origin });
    lenient = await DeployedWorker.start();
    listed.service = strict.origin;
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());
  afterAll(async () => {
    await browser.close();
    for (const site of [listed, unlisted]) await site.close();
    for (const worker of [strict, lenient]) await worker.dispose();
  });

  const titleOf = async (url: string) => {
    const page = await context.newPage();
    await page.goto(url);
    await expect.poll(() => page.title()).toMatch(/^(count|refused|sent)/);
    return page.title();
  };
  /** Starts a session. `count` reads from the service whether it is present. */
  const startSession = async (worker: DeployedWorker) => {
    const sessionId = crypto.randomUUID();
    const count = async () => (await worker.presence()).moods.gratitude;
    const body = JSON.stringify({ sessionId, mood: 'gratitude' });
    await fetch(`${worker.origin}/api/heartbeat`, { method: 'POST', body });
    expect(await count()).toBe(1);
    return { sessionId, count };
  };

  it('a listed page reads the answer to a request with credentials', async () => {
    const script = FETCH(strict.origin, crypto.randomUUID());
    expect(await titleOf(listed.add('fetch', { script }))).toBe('count 1');
    expect(strict.requests).toContain('OPTIONS /api/heartbeat 204');
  });

  it('a listed page ends a session with a beacon whose body is a Blob of JSON', async () => {
    const { sessionId, count } = await startSession(strict);
    const script = BEACON(strict.origin, sessionId, 'blob');
    expect(await titleOf(listed.add('beacon', { script }))).toBe('sent true');
    await expect.poll(count).toBe(0);
  });

  it('a page that is not listed reads nothing, and its beacons end no session', async () => {
    unlisted.service = strict.origin;
    const { sessionId, count } = await startSession(strict);
    const script = FETCH(strict.origin, crypto.randomUUID());
    expect(await titleOf(unlisted.add('fetch', { script }))).toBe('refused');
    for (const body of ['blob', 'string'] as const) {
      const url = unlisted.add(body, { script: BEACON(strict.origin, sessionId, body) });
      expect(await titleOf(url)).toBe('sent true');
    }
    await expect.poll(() => strict.requests).toContain('POST /api/leave 403');
    expect(await count()).toBe(1);
  });

  it('a service that allows every origin accepts a beacon of a string, and no credentials', async () => {
    unlisted.service = lenient.origin;
    const { sessionId, count } = await startSession(lenient);
    const script = FETCH(lenient.origin, crypto.randomUUID());
    expect(await titleOf(unlisted.add('fetch', { script }))).toBe('refused');
    const beacon = BEACON(lenient.origin, sessionId, 'string');
    expect(await titleOf(unlisted.add('beacon', { script: beacon }))).toBe('sent true');
    await expect.poll(count).toBe(0);
  });
});
