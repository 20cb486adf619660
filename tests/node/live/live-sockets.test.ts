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
  it('is told the presence at once, and watches without being counted', async () => {
    const watcher = await open();
    const moods = { gratitude: 0, presence: 0, release: 0, connection: 0 };
    expect(await watcher.shows(0)).toEqual({ count: 0, moods, timestamp: expect.any(Number) });
    expect((await service.presence()).count).toBe(0);
  });

  it('joins with an id and a mood, changes the mood, and leaves by closing; all the others are told', async () => {
    const [guest, watcher] = [await open(0), await open(1)];
    guest.send({ sessionId: ANNA, mood: 'presence' });
    expect((await watcher.shows(1)).moods).toMatchObject({ presence: 1 });
    expect((await guest.shows(1)).moods).toMatchObject({ presence: 1 });
    guest.send({ mood: 'release' });
    await watcher.told(({ moods }) => moods['release'] === 1);
    guest.close();
    expect((await guest.closed).code).toBe(1000);
    await watcher.shows(0);
  });

  it('takes exactly 1 KiB', async () => {
    const client = await open();
    const message = JSON.stringify({ sessionId: ANNA, mood: 'presence' });
    client.send(message + ' '.repeat(1_024 - message.length));
    await client.shows(1);
  });

  it('answers ping with pong', async () => {
    const client = await open();
    client.send('ping');
    await client.pong;
  });

  it('counts a session once that beats by HTTP too, and two sockets of one session as one', async () => {
    const [guest, twin] = [await open(), await open()];
    guest.send({ sessionId: ANNA, mood: 'presence' });
    await guest.shows(1);
    twin.send({ sessionId: ANNA.toUpperCase(), mood: 'gratitude' });
    await guest.told(({ moods }) => moods['gratitude'] === 1);
    expect(await service.heartbeat(ANNA, 1, 'release')).toMatchObject({ count: 1, moods: { release: 1 } });
    await guest.told(({ moods }) => moods['release'] === 1);
    expect(guest.states.at(-1)?.count).toBe(1);
    twin.close();
    guest.send({ mood: 'presence' });
    await guest.told(({ moods }) => moods['presence'] === 1 && moods['release'] === 0);
    expect((await service.presence()).count).toBe(1);
  });

  it('that closes does not end a session whose heartbeat came by HTTP since, as when a page is reloaded', async () => {
    const [guest, watcher] = [await open(), await open()];
    guest.send({ sessionId: ANNA, mood: 'presence' });
    await watcher.shows(1);
    await service.heartbeat(ANNA, 1, 'presence');
    guest.close();
    const other = await open();
    other.send({ sessionId: BEN, mood: 'release' });
    expect(await watcher.told(({ moods }) => moods['release'] === 1)).toMatchObject({ count: 2 });
  });

  it('a socket that closes with 4000 leaves its session to another socket, and no count is sent in between', async () => {
    const [leader, watcher] = [await open(), await open()];
    leader.send({ sessionId: ANNA, mood: 'presence' });
    await watcher.shows(1);
    leader.close(HANDOVER_CODE);
    expect((await leader.closed).code).toBe(1000);
    // Longer than the time between two broadcasts.
    await wait(1_500);
    const heir = await open();
    heir.send({ sessionId: ANNA, mood: 'release' });
    await watcher.told(({ moods }) => moods['release'] === 1);
    expect(watcher.states.map(({ count }) => count)).toEqual([0, 1, 1]);
    heir.close();
    await watcher.shows(0);
  });

  it('that has joined keeps its id: another one closes it with a reason, and counts nowhere', async () => {
    const [guest, watcher] = [await open(), await open()];
    guest.send({ sessionId: ANNA, mood: 'presence' });
    await watcher.shows(1);
    guest.send({ sessionId: BEN, mood: 'release' });
    expect(await guest.closed).toEqual({
      code: 1008,
      reason: 'A socket keeps its sessionId. Open another socket.',
    });
    await watcher.shows(0);
    expect(watcher.states.some(({ moods }) => moods.release > 0)).toBe(false);
  });

  it('is told of a heartbeat and a leave by HTTP within two seconds, and so are the isolates of a guest', async () => {
    const guest = await open(0);
    await service.presence(1);
    const steps = [
      async () => {
        await service.heartbeat(BEN, 0);
        await guest.shows(1);
      },
      async () => {
        guest.send({ sessionId: ANNA, mood: 'release' });
        await guest.shows(2);
        while ((await service.presence(1)).count !== 2) await wait(50);
      },
      async () => {
        await service.leave(BEN, 1);
        await guest.told(({ count, moods }) => count === 1 && moods.release === 1);
      },
    ];
    for (const step of steps) {
      const start = Date.now();
      await step();
      expect(Date.now() - start).toBeLessThan(2_000);
    }
  });

  it('is told the same counts never twice, and of changes once a second', async () => {
    const watcher = await open();
    const guests = await Promise.all([1, 2, 3, 4].map(() => open()));
    const start = Date.now();
    for (const [n, guest] of guests.entries()) {
      guest.send({ sessionId: sessionId(10 + n), mood: 'presence' });
      await wait(400);
    }
    await watcher.shows(4);
    const took = (Date.now() - start) / 1_000;
    const counts = watcher.states.map(({ moods }) => JSON.stringify(moods));
    expect(new Set(counts).size).toBe(counts.length);
    // The first one at the opening.
    expect(counts.length - 1).toBeLessThanOrEqual(Math.ceil(took) + 1);
    for (const guest of guests) guest.close();
    await watcher.shows(0);
  });
});

describe('a live socket that sends what it should not', () => {
  it.each([
    ['garbage', 'hello', 1008, 'The message must be a JSON object.'],
    ['bytes', new Uint8Array([1, 2, 3]), 1008, 'Send text.'],
    ['more than 1 KiB', ' '.repeat(1_025), 1009, 'Send at most 1024 bytes.'],
  ] as const)('is closed with a reason: %s', async (_name, message, code, reason) => {
    const client = await open();
    client.send(message);
    expect(await client.closed).toEqual({ code, reason });
    expect((await service.presence()).count).toBe(0);
  });

  it('is closed when it sends a megabyte', async () => {
    const client = await open();
    client.send('x'.repeat(1 << 20));
    expect((await client.closed).code).toBe(1009);
  });

  it('is closed when it floods, and its session ends', async () => {
    const [guest, watcher] = [await open(), await open()];
    for (let n = 0; n < 25; n += 1)
      guest.send({ sessionId: ANNA, mood: n % 2 === 0 ? 'presence' : 'release' });
    expect(await guest.closed).toEqual({ code: 1008, reason: 'Too many messages.' });
    await watcher.shows(0);
    expect((await service.presence()).count).toBe(0);
  });

  it('harms nobody else', async () => {
    const [guest, bad] = [await open(), await open()];
    guest.send({ sessionId: ANNA, mood: 'presence' });
    await guest.shows(1);
    bad.send('garbage');
    await bad.closed;
    guest.send({ mood: 'release' });
    await guest.told(({ moods }) => moods['release'] === 1);
  });
});

describe('many live sockets', () => {
  it('may all come back at once: a storm of 300 joins, twice', async () => {
    const watcher = await open();
    for (let storm = 0; storm < 2; storm += 1) {
      const guests = await Promise.all(Array.from({ length: 300 }, () => LiveClient.open(url)));
      for (const [n, guest] of guests.entries())
        guest.send({ sessionId: sessionId(1_000 + n), mood: 'presence' });
      await watcher.shows(300);
      for (const guest of guests) guest.close();
      await watcher.shows(0);
    }
  });
});
