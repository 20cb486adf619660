import { describe, expect, it } from 'vitest';
import { ANNA, BEN, CARL, DORA, SAVE_ROUNDS, TTL_ROUNDS, useChannelSite } from './channel-site';
import { until } from './deployment';
import { expectMoods, open } from './visits';

describe('an upgrade of the room', () => {
  const siteOf = useChannelSite('1.0');

  it('the sessions of all isolates count in their channel two syncs after the room is of today', async () => {
    const site = siteOf();
    const { here, there } = site;
    await site.live(3, site.visits);
    await site.live(SAVE_ROUNDS);
    await site.switchTo('today');
    await site.live(2);
    await site.expectDefault({ gratitude: 1, release: 1 });
    await site.expectChannel('lobby', { presence: 1, connection: 1 });
    await site.expectChannel('post-7', { connection: 1 });
    for (const isolate of [here, there])
      expect(await isolate.health()).toMatchObject({ status: 'ok', reason: null });
  });

  it('a session that left its channel before the room is of today does not return', async () => {
    const site = siteOf();
    const { here } = site;
    await site.live(3, site.visits);
    await here.leave(ANNA, 'lobby');
    await site.switchTo('today');
    await site.live(2);
    await site.expectChannel('lobby', { connection: 1 });
    await site.expectDefault({ gratitude: 1, release: 1 });
  });

  it('a live socket in a channel opens once the room is of today', async () => {
    const site = siteOf();
    const { deployment, old, here, there } = site;
    const watcher = await open(old);
    expect((await here.openRefused('lobby')).status).toBe(503);
    await site.live(1);
    await site.switchTo('today');
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await site.live(2, [[there, ANNA, 'gratitude', 'lobby']]);
    await site.live(2, [[old, BEN, 'connection']]);
    await site.live(2);
    await deployment.shows(lobby, 2);
    await deployment.shows(watcher, 1);
    await site.expectChannel('lobby', { gratitude: 1, release: 1 });
    await site.expectDefault({ connection: 1 });
  });
});

describe('a rollback of the room', () => {
  const siteOf = useChannelSite('today');

  /** The stored sessions and the attachments of the room. */
  async function stored(): Promise<string> {
    const { rows, attachments } = await siteOf().deployment.room();
    return JSON.stringify([rows, attachments]);
  }

  it('a room of 1.0 counts no session of a channel from the journal of today', async () => {
    const site = siteOf();
    const { deployment, here, there } = site;
    await site.live(3, site.visits);
    await site.live(SAVE_ROUNDS);
    expect(await stored()).toContain(`lobby/${ANNA}`);
    await site.switchTo('1.0');
    await expectMoods([deployment.isolate('1.0'), deployment.isolate('today')], { gratitude: 1, release: 1 });
    await site.live(2);
    await site.expectDefault({ gratitude: 1, release: 1 });
    await expectMoods([here], { presence: 1 }, 'lobby');
    await expectMoods([there], { connection: 1 }, 'lobby');
    expect(await here.health()).toMatchObject({ status: 'degraded', reason: 'sync-failed' });
  });

  it('after a rollback of the room the default channel is right, and each session expires', async () => {
    const site = siteOf();
    const { old, here, there } = site;
    await site.live(3, site.visits);
    await site.live(SAVE_ROUNDS);
    await site.switchTo('1.0');
    await site.live(TTL_ROUNDS, [[old, ANNA, 'gratitude']]);
    await site.expectDefault({ gratitude: 1 });
    await expectMoods([here, there], {}, 'lobby');
  });

  it('a room that returns to today counts each channel two syncs later', async () => {
    const site = siteOf();
    const { here } = site;
    await site.live(3, site.visits);
    await site.live(SAVE_ROUNDS);
    await site.switchTo('1.0');
    await site.live(2, site.visits);
    await here.leave(ANNA, 'lobby');
    await site.live(SAVE_ROUNDS);
    await site.switchTo('today');
    await site.live(2);
    await site.expectDefault({ gratitude: 1, release: 1 });
    await site.expectChannel('lobby', { connection: 1 });
    await site.expectChannel('post-7', { connection: 1 });
  });

  it('a socket of a channel counts in no channel of the room of 1.0', async () => {
    const site = siteOf();
    const { deployment, old, here, there } = site;
    const [lobby, post, watcher] = [
      await open(here, 'lobby'),
      await open(there, 'post-7'),
      await open(here, 'lobby'),
    ];
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await deployment.send(post, { sessionId: DORA, mood: 'connection' });
    await site.live(SAVE_ROUNDS, [[old, ANNA, 'gratitude']]);
    await deployment.shows(watcher, 1);
    await site.switchTo('1.0');
    await site.live(3);
    await site.expectDefault({ gratitude: 1 });
    // The sockets stay open, and as watchers they get the default channel.
    await old.heartbeat(BEN, 'presence');
    await site.live(1);
    await deployment.shows(watcher, 2);
    await site.expectDefault({ gratitude: 1, presence: 1 });
  });

  it('a room of 1.0 closes a socket of a channel that changes its mood, and does not count it', async () => {
    const site = siteOf();
    const { deployment, old, here } = site;
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await site.live(SAVE_ROUNDS, [[old, ANNA, 'gratitude']]);
    await site.switchTo('1.0');
    lobby.send({ mood: 'connection' });
    expect((await lobby.closed).code).toBe(1008);
    await site.live(2);
    await site.expectDefault({ gratitude: 1 });
  });

  it('the close of a socket of a channel ends no session of the default one in a room of 1.0', async () => {
    const site = siteOf();
    const { deployment, old, here } = site;
    await site.live(2, [[old, ANNA, 'gratitude']]);
    await site.live(1);
    const lobby = await open(here, 'lobby');
    // This follows the heartbeats in the default channel, otherwise they keep the session there.
    await deployment.send(lobby, { sessionId: ANNA, mood: 'release' });
    await site.live(SAVE_ROUNDS);
    await site.switchTo('1.0');
    lobby.close();
    await until(async () => (await deployment.room()).attachments.length === 0);
    await site.live(2);
    await site.expectDefault({ gratitude: 1 });
  });

  it('a socket of a channel is in its channel again when the room returns to today', async () => {
    const site = siteOf();
    const { deployment, old, here, there } = site;
    const lobby = await open(here, 'lobby');
    await deployment.send(lobby, { sessionId: CARL, mood: 'release' });
    await site.live(SAVE_ROUNDS, [[old, ANNA, 'gratitude']]);
    await site.switchTo('1.0');
    await site.live(2);
    await site.switchTo('today');
    await site.live(2);
    await site.expectChannel('lobby', { release: 1 });
    await site.expectDefault({ gratitude: 1 });
    await there.heartbeat(BEN, 'presence', 'lobby');
    await site.live(1);
    await deployment.shows(lobby, 2);
    await deployment.send(lobby, { mood: 'connection' });
    await site.live(2);
    await site.expectChannel('lobby', { connection: 1, presence: 1 });
    await site.expectDefault({ gratitude: 1 });
  });
});
