import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HANDOVER_CODE } from '../../../src/presence/room/socket-message';
import { LiveClient } from '../../support/live-client';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

let service: Service;
let url: string;
const clients: LiveClient[] = [];

async function open(isolate = 0): Promise<LiveClient> {
  const client = await LiveClient.open(await service.liveUrl(isolate));
  clients.push(client);
  return client;
}

beforeAll(async () => {
  service = new Service(2);
  url = await service.liveUrl();
});
afterAll(() => service.dispose());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const id of [ANNA, BEN, CARL]) await service.leave(id);
  const watcher = await LiveClient.open(url);
  await watcher.shows(0);
  watcher.close();
});

describe('a live socket', () => {
  it('a live socket without a session receives the presence when it opens, and does not count', async () => {
    const watcher = await open();
    const moods = { gratitude: 0, presence: 0, release: 0, connection: 0 };
    expect(await watcher.shows(0)).toEqual({ count: 0, moods, timestamp: expect.any(Number) });
    expect((await service.presence()).count).toBe(0);
  });

  it('a live socket starts, changes and ends its session, and other sockets receive each change', async () => {
    const [client, watcher] = [await open(0), await open(1)];
    client.send({ sessionId: ANNA, mood: 'presence' });
    expect((await watcher.shows(1)).moods).toMatchObject({ presence: 1 });
    expect((await client.shows(1)).moods).toMatchObject({ presence: 1 });
    client.send({ mood: 'release' });
    await watcher.stateWhere(({ moods }) => moods['release'] === 1);
    client.close();
    expect((await client.closed).code).toBe(1000);
    await watcher.shows(0);
  });

  it('a live socket may send a message of 1 KiB', async () => {
    const client = await open();
    const message = JSON.stringify({ sessionId: ANNA, mood: 'presence' });
    client.send(message + ' '.repeat(1_024 - message.length));
    await client.shows(1);
  });

  it('a ping on a live socket gets a pong', async () => {
    const client = await open();
    client.send('ping');
    await client.pong;
  });

  it('a session with two live sockets and heartbeats by HTTP counts once', async () => {
    const [client, second] = [await open(), await open()];
    client.send({ sessionId: ANNA, mood: 'presence' });
    await client.shows(1);
    second.send({ sessionId: ANNA.toUpperCase(), mood: 'gratitude' });
    await client.stateWhere(({ moods }) => moods['gratitude'] === 1);
    expect(await service.heartbeat(ANNA, 1, 'release')).toMatchObject({ count: 1, moods: { release: 1 } });
    await client.stateWhere(({ moods }) => moods['release'] === 1);
    expect(client.states.at(-1)?.count).toBe(1);
    second.close();
    client.send({ mood: 'presence' });
    await client.stateWhere(({ moods }) => moods['presence'] === 1 && moods['release'] === 0);
    expect((await service.presence()).count).toBe(1);
  });

  it('a live socket that closes does not end a session with a later heartbeat by HTTP', async () => {
    const [client, watcher] = [await open(), await open()];
    client.send({ sessionId: ANNA, mood: 'presence' });
    await watcher.shows(1);
    await service.heartbeat(ANNA, 1, 'presence');
    client.close();
    const other = await open();
    other.send({ sessionId: BEN, mood: 'release' });
    expect(await watcher.stateWhere(({ moods }) => moods['release'] === 1)).toMatchObject({ count: 2 });
  });

  it('a live socket that closes with 4000 leaves its session to another socket without a broadcast between', async () => {
    const [leader, watcher] = [await open(), await open()];
    leader.send({ sessionId: ANNA, mood: 'presence' });
    await watcher.shows(1);
    leader.close(HANDOVER_CODE);
    expect((await leader.closed).code).toBe(1000);
    // Longer than the time between two broadcasts.
    await wait(1_500);
    const next = await open();
    next.send({ sessionId: ANNA, mood: 'release' });
    await watcher.stateWhere(({ moods }) => moods['release'] === 1);
    expect(watcher.states.map(({ count }) => count)).toEqual([0, 1, 1]);
    next.close();
    await watcher.shows(0);
  });

  it('a live socket with a session that sends another id is closed with a reason, and that id never counts', async () => {
    const [client, watcher] = [await open(), await open()];
    client.send({ sessionId: ANNA, mood: 'presence' });
    await watcher.shows(1);
    client.send({ sessionId: BEN, mood: 'release' });
    expect(await client.closed).toEqual({
      code: 1008,
      reason: 'A socket keeps its sessionId. Open another socket.',
    });
    await watcher.shows(0);
    expect(watcher.states.some(({ moods }) => moods.release > 0)).toBe(false);
  });

  it('changes by HTTP reach a live socket within 2 s, and changes by socket reach an isolate within 2 s', async () => {
    const client = await open(0);
    await service.presence(1);
    const steps = [
      async () => {
        await service.heartbeat(BEN, 0);
        await client.shows(1);
      },
      async () => {
        client.send({ sessionId: ANNA, mood: 'release' });
        await client.shows(2);
        while ((await service.presence(1)).count !== 2) await wait(50);
      },
      async () => {
        await service.leave(BEN, 1);
        await client.stateWhere(({ count, moods }) => count === 1 && moods.release === 1);
      },
    ];
    for (const step of steps) {
      const start = Date.now();
      await step();
      expect(Date.now() - start).toBeLessThan(2_000);
    }
  });

  it('a live socket receives no counts twice, and at most one broadcast a second', async () => {
    const watcher = await open();
    const senders = await Promise.all([1, 2, 3, 4].map(() => open()));
    const start = Date.now();
    for (const [n, sender] of senders.entries()) {
      sender.send({ sessionId: sessionId(10 + n), mood: 'presence' });
      await wait(400);
    }
    await watcher.shows(4);
    const took = (Date.now() - start) / 1_000;
    const counts = watcher.states.map(({ moods }) => JSON.stringify(moods));
    expect(new Set(counts).size).toBe(counts.length);
    // The first state arrives when the socket opens.
    expect(counts.length - 1).toBeLessThanOrEqual(Math.ceil(took) + 1);
    for (const sender of senders) sender.close();
    await watcher.shows(0);
  });
});

describe('wrong messages', () => {
  it.each([
    ['garbage', 'hello', 1008, 'The message must be a JSON object.'],
    ['bytes', new Uint8Array([1, 2, 3]), 1008, 'Send text.'],
    ['more than 1 KiB', ' '.repeat(1_025), 1009, 'Send at most 1024 bytes.'],
  ] as const)('a live socket that sends %s is closed with a reason', async (_name, message, code, reason) => {
    const client = await open();
    client.send(message);
    expect(await client.closed).toEqual({ code, reason });
    expect((await service.presence()).count).toBe(0);
  });

  it('a live socket that sends 1 MiB is closed', async () => {
    const client = await open();
    client.send('x'.repeat(1 << 20));
    expect((await client.closed).code).toBe(1009);
  });

  it('a live socket that sends 25 messages at once is closed, and its session ends', async () => {
    const [client, watcher] = [await open(), await open()];
    for (let n = 0; n < 25; n += 1)
      client.send({ sessionId: ANNA, mood: n % 2 === 0 ? 'presence' : 'release' });
    expect(await client.closed).toEqual({ code: 1008, reason: 'Too many messages.' });
    await watcher.shows(0);
    expect((await service.presence()).count).toBe(0);
  });

  it('a live socket that is closed for a wrong message affects no other socket', async () => {
    const [client, wrong] = [await open(), await open()];
    client.send({ sessionId: ANNA, mood: 'presence' });
    await client.shows(1);
    wrong.send('garbage');
    await wrong.closed;
    client.send({ mood: 'release' });
    await client.stateWhere(({ moods }) => moods['release'] === 1);
  });
});

describe('many live sockets', () => {
  it('300 live sockets that open at once all count, and 300 that close all leave, twice', async () => {
    const watcher = await open();
    for (let round = 0; round < 2; round += 1) {
      const senders = await Promise.all(Array.from({ length: 300 }, () => LiveClient.open(url)));
      for (const [n, sender] of senders.entries())
        sender.send({ sessionId: sessionId(1_000 + n), mood: 'presence' });
      await watcher.shows(300);
      for (const sender of senders) sender.close();
      await watcher.shows(0);
    }
  });
});
