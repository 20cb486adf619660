import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIMITER_WAIT_MAX_MS } from '../../../../src/limits';
import { sessionKey } from '../../../../src/presence/session-key';
import { settle } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { SyncedReplica } from '../../../support/synced-replica';
import { RoomSite } from './room-site';

const key = (n: number) => sessionKey('post-7', sessionId(n));
const defer = () => undefined;
const acceptingLimiter = () => vi.fn(async (_opensChannel: boolean) => true);
const refusingLimiter = () => vi.fn(async (_opensChannel: boolean) => false);

let site: RoomSite;
let here: SyncedReplica;
beforeEach(async () => {
  site = await RoomSite.open();
  here = site.here;
  await here.presence();
});
afterEach(() => void vi.useRealTimers());

const heartbeat = (n: number, isWithinLimit: (opensChannel: boolean) => Promise<boolean>) =>
  here.store.heartbeat(key(n), 'presence', defer, isWithinLimit);

it('a session waits while another session opens its channel, and then starts in the open channel', async () => {
  let answer: (isWithin: boolean) => void = () => undefined;
  const first = heartbeat(
    1,
    () =>
      new Promise<boolean>((resolve) => {
        answer = resolve;
      }),
  );
  const limit = acceptingLimiter();
  const second = heartbeat(2, limit);
  await settle();
  expect(limit).not.toHaveBeenCalled();
  answer(true);
  expect(await first).toMatchObject({ count: 1 });
  expect(await second).toMatchObject({ count: 2 });
  expect(limit.mock.calls).toEqual([[false]]);
});

it('a session opens its channel itself after one second if the request that opens it never ends', async () => {
  void heartbeat(1, () => new Promise(() => undefined));
  const limit = acceptingLimiter();
  const second = heartbeat(2, limit);
  await settle();
  await site.runtime.advance(LIMITER_WAIT_MAX_MS - 1);
  expect(limit).not.toHaveBeenCalled();
  await site.runtime.advance(1);
  expect(await second).toMatchObject({ count: 1 });
  expect(limit.mock.calls).toEqual([[true]]);
  const next = acceptingLimiter();
  await heartbeat(3, next);
  expect(next.mock.calls).toEqual([[false]]);
});

it('a refused session opens no channel, and the next session tries to open it', async () => {
  expect(await heartbeat(1, refusingLimiter())).toBe('over-limit');
  const limit = acceptingLimiter();
  expect(await heartbeat(2, limit)).toMatchObject({ count: 1 });
  expect(limit.mock.calls).toEqual([[true]]);
});

it('a known session needs no limiter, and a channel that is being opened delays no other channel', async () => {
  await heartbeat(1, acceptingLimiter());
  const limit = acceptingLimiter();
  await heartbeat(1, limit);
  expect(limit).not.toHaveBeenCalled();
  void here.store.heartbeat(
    sessionKey('post-8', sessionId(1)),
    'presence',
    defer,
    () => new Promise(() => undefined),
  );
  expect(await heartbeat(2, limit)).toMatchObject({ count: 2 });
});
