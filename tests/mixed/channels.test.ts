import { describe, expect, it } from 'vitest';
import { ANNA, BEN, CARL, SAVE_ROUNDS, TTL_ROUNDS, useChannelSite } from './channel-site';
import { until } from './deployment';
import { expectMoods, open } from './visits';

describe('a room of today', () => {
  const siteOf = useChannelSite('today');

  it('an isolate of 1.0 counts the default channel only, and all isolates of today agree on each channel', async () => {
    const site = siteOf();
    const { here } = site;
    await site.live(3, site.visits);
    await site.live(2);
    await site.expectDefault({ gratitude: 1, release: 1 });
    await site.expectChannel('lobby', { presence: 1, connection: 1 });
    await site.expectChannel('post-7', { connection: 1 });
    expect(await here.health()).toMatchObject({ status: 'ok', reason: null });
  });

  it('the room sends sessions of channels only to an isolate that requests them', async () => {
    const site = siteOf();
    const { deployment } = site;
    await site.live(3, site.visits);
    await site.live(2);
    const calls = await deployment.calls();
    const answers = JSON.stringify(calls.filter(({ report }) => !('channels' in report)));
    expect(answers).toContain(ANNA);
    expect(answers).not.toContain('lobby');
    expect(JSON.stringify(calls.filter(({ report }) => 'channels' in report))).toContain(`lobby/${ANNA}`);
  });

  it('a leave at any isolate ends a session in its channel only', async () => {
    const site = siteOf();
    const { deployment, old, here, there } = site;
    await site.live(3, site.visits);
    await deployment.pass(1);
    await there.leave(ANNA, 'lobby');
    await site.live(2);
    await site.expectChannel('lobby', { connection: 1 });
    await site.expectDefault({ gratitude: 1, release: 1 });
    await old.leave(ANNA);
    await here.heartbeat(ANNA, 'presence', 'lobby');
    await site.live(2);
    await site.expectChannel('lobby', { presence: 1, connection: 1 });
    await site.expectDefault({ release: 1 });
  });

  it('a session of a channel that moves to another isolate is counted once, with its new mood', async () => {
    const site = siteOf();
    const { deployment, there } = site;
    await site.live(3, site.visits);
    await deployment.pass(1);
    expect((await there.heartbeat(ANNA, 'release', 'lobby')).count).toBe(2);
    await site.live(2);
    await site.expectChannel('lobby', { release: 1, connection: 1 });
    await site.expectDefault({ gratitude: 1, release: 1 });
  });

  it('the sessions of a channel expire a TTL after their last heartbeats', async () => {
    const site = siteOf();
    const { old } = site;
    await site.live(3, site.visits);
    await site.live(TTL_ROUNDS, [[old, ANNA, 'gratitude']]);
    await site.expectChannel('lobby', {});
    await site.expectChannel('post-7', {});
    await site.expectDefault({ gratitude: 1 });
  });

  it('the session of a socket counts in its channel only', async () => {
    const site = siteOf();
    const { deployment, old, here } = site;
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await site.live(2, [[old, ANNA, 'gratitude']]);
    await site.live(2);
    await deployment.shows(lobby, 1);
    await site.expectChannel('lobby', { release: 1 });
    await site.expectDefault({ gratitude: 1 });
  });

  it('a socket that an isolate of 1.0 opens is in the default channel', async () => {
    const site = siteOf();
    const { deployment, old, here } = site;
    const [ben, lobby] = [await open(old), await open(here, 'lobby')];
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await deployment.send(ben, { sessionId: BEN, mood: 'connection' });
    await site.live(2, [[here, ANNA, 'gratitude']]);
    await site.live(2);
    await deployment.shows(ben, 2);
    await site.expectDefault({ gratitude: 1, connection: 1 });
    await site.expectChannel('lobby', { release: 1 });
  });
});

describe('a room of 1.0', () => {
  const siteOf = useChannelSite('1.0');

  it('with a room of 1.0, an isolate of today counts only its own sessions in a channel', async () => {
    const site = siteOf();
    const { deployment, here, there } = site;
    await site.live(3, site.visits);
    await site.live(2);
    await site.expectDefault({ gratitude: 1, release: 1 });
    await expectMoods([here], { presence: 1 }, 'lobby');
    await expectMoods([there], { connection: 1 }, 'lobby');
    await expectMoods([deployment.isolate('today')], {}, 'lobby');
  });

  it('a room of 1.0 receives and stores no session of a channel', async () => {
    const site = siteOf();
    const { deployment } = site;
    await site.live(3, site.visits);
    await site.live(SAVE_ROUNDS);
    const reported = JSON.stringify((await deployment.calls()).map(({ report }) => report['heard']));
    expect(reported).toContain(ANNA);
    expect(reported).not.toContain('lobby');
    const { rows } = await deployment.room();
    expect(JSON.stringify(rows)).toContain(ANNA);
    expect(JSON.stringify(rows)).not.toContain('lobby');
  });

  it('with a room of 1.0, a session of a channel leaves and expires at its own isolate', async () => {
    const site = siteOf();
    const { old, here, there } = site;
    await site.live(3, site.visits);
    await there.leave(CARL, 'lobby');
    await expectMoods([there], {}, 'lobby');
    await site.live(TTL_ROUNDS, [[old, ANNA, 'gratitude']]);
    await expectMoods([here], {}, 'lobby');
    await site.expectDefault({ gratitude: 1 });
  });

  it('with a room of 1.0, an isolate with channels is degraded, and an isolate of 1.0 is not', async () => {
    const site = siteOf();
    const { old, here, there } = site;
    await site.live(2);
    for (const isolate of [here, there])
      expect(await isolate.health()).toMatchObject({ status: 'degraded', reason: 'sync-failed' });
    expect(await old.health()).toMatchObject({ status: 'ok' });
  });

  it('with a room of 1.0, a request for a live socket in a channel gets 503 and leaves no socket', async () => {
    const site = siteOf();
    const { deployment, old, here, there } = site;
    const watcher = await open(here);
    await site.live(1, [[old, ANNA, 'gratitude']]);
    for (const isolate of [here, there])
      expect(await isolate.openRefused('lobby')).toEqual({ status: 503, type: '/docs#live-unavailable' });
    await until(async () => (await deployment.room()).attachments.length === 1);
    await site.live(2);
    await deployment.shows(watcher, 1);
    await site.expectDefault({ gratitude: 1 });
  });
});
