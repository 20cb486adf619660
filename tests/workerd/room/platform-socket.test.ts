import { expect, it } from 'vitest';
import { PlatformSockets, type SocketState } from '../../../src/platform-socket';

/** A broken socket. The platform throws at each call that needs the connection. */
const broken = {
  send: () => {
    throw new Error('The socket is closed.');
  },
  close: () => {
    throw new Error('The socket is closed.');
  },
} as unknown as WebSocket;

/** Returns the state of a room with one socket, and what the room gives to the platform. */
function stateOf(socket: WebSocket, pingedAt: Date | null) {
  const pairs: WebSocketRequestResponsePair[] = [];
  const accepted: WebSocket[] = [];
  const state: SocketState = {
    acceptWebSocket: (socket) => void accepted.push(socket),
    getWebSockets: () => [socket],
    setWebSocketAutoResponse: (pair) => void (pair && pairs.push(pair)),
    getWebSocketAutoResponseTimestamp: () => pingedAt,
  };
  return { state, pairs, accepted };
}

it('the port of a broken socket throws neither at a send nor at a close', () => {
  const port = new PlatformSockets(stateOf(broken, null).state).portOf(broken);
  expect(() => port.send('text')).not.toThrow();
  expect(() => port.close(1000, '')).not.toThrow();
});

it('a socket has one port, from `accept` on', () => {
  const { state, accepted } = stateOf(broken, null);
  const sockets = new PlatformSockets(state);
  const port = sockets.accept(broken);
  expect(accepted).toEqual([broken]);
  expect(sockets.portOf(broken)).toBe(port);
  expect(sockets.open()).toEqual([port]);
});

it('the platform answers `ping` with `pong`, and a port has the time of the last ping', () => {
  const { state, pairs } = stateOf(broken, new Date(5_000));
  expect(new PlatformSockets(state).portOf(broken).lastPingAt).toBe(5_000);
  expect(pairs).toMatchObject([{ request: 'ping', response: 'pong' }]);
  expect(new PlatformSockets(stateOf(broken, null).state).portOf(broken).lastPingAt).toBeUndefined();
});
