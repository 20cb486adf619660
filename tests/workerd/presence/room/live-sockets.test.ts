import { expect, it } from 'vitest';
import { LiveSockets } from '../../../../src/presence/room/live-sockets';
import { CLOSE } from '../../../../src/presence/room/socket-message';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { FakeSocket } from './fake-socket';

const COUNTS = { ...ZERO_COUNTS, release: 1 };

/** A socket that counts every send, also after its close. */
class CountingSocket extends FakeSocket {
  sent = 0;

  override send(text: string): void {
    this.sent += 1;
    super.send(text);
  }
}

it('a channel ends with its last socket, and so does its last broadcast', () => {
  const sockets = new LiveSockets([], new Map());
  const [first, second, other] = [new CountingSocket(), new CountingSocket(), new CountingSocket()];
  for (const socket of [first, second]) sockets.open(socket, 'lobby', ZERO_COUNTS, 0);
  sockets.open(other, '', ZERO_COUNTS, 0);
  expect([...sockets.channels]).toEqual(['lobby', '']);
  sockets.close(first, CLOSE.byClient);
  expect(sockets.hasSockets('lobby')).toBe(true);
  sockets.broadcast('lobby', COUNTS, 0);
  expect([first.sent, second.sent, other.sent]).toEqual([1, 2, 1]);
  expect(sockets.lastBroadcast('lobby')).toEqual(COUNTS);
  sockets.close(second, CLOSE.byClient);
  expect([...sockets.channels]).toEqual(['']);
  expect(sockets.lastBroadcast('lobby')).toBeUndefined();
});

it('a broadcast increases the revision only if its channel has sockets', () => {
  const sockets = new LiveSockets([], new Map());
  sockets.open(new CountingSocket(), 'lobby', ZERO_COUNTS, 0);
  sockets.broadcast('lobby', COUNTS, 0);
  expect(sockets.revision).toBe(1);
  sockets.broadcast('hall', COUNTS, 0);
  expect(sockets.revision).toBe(1);
});

it('a restarted room restores the last broadcast of each channel, and zeros for a channel without one', () => {
  const ports = ['lobby', 'hall'].map((channel) => {
    const socket = new CountingSocket();
    new LiveSockets([], new Map()).open(socket, channel, ZERO_COUNTS, 0);
    return socket;
  });
  const sockets = new LiveSockets(ports, new Map([['lobby', COUNTS]]));
  expect(sockets.lastBroadcast('lobby')).toEqual(COUNTS);
  expect(sockets.lastBroadcast('hall')).toEqual(ZERO_COUNTS);
});
