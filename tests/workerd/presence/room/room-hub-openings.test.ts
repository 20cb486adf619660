import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIMITER_WAIT_MAX_MS } from '../../../../src/limits';
import { sessionKey } from '../../../../src/presence/session-key';
import { settle } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { SyncedReplica } from '../../../support/synced-replica';
import { RoomSite } from './room-site';

const key = (n: number) => sessionKey('post-7', sessionId(n));
const defer = () => undefined;
const passes = () => vi.fn(async (_opensChannel: boolean) => true);
const refuses = () => vi.fn(async (_opensChannel: boolean) => false);

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

it('a session waits while another one opens its channel, and then starts in an open channel', async () => {
  let answer: (isWithin: boolean) => void = () => undefined;
  const first = heartbeat(
    1,
    () =>
      new Promise<boolean>((resolve) => {
        answer = resolve;
      }),
  );
  const limit = passes();
  const second = heartbeat(2, limit);
  await settle();
  expect(limit).not.toHaveBeenCalled();
  answer(true);
  expect(await first).toMatchObject({ count: 1 });
  expect(await second).toMatchObject({ count: 2 });
  expect(limit.mock.calls).toEqual([[false]]);
});

it('a session opens the channel itself after a second, if the request that was about to open it has ended', async () => {
  void heartbeat(1, () => new Promise(() => undefined));
  const limit = passes();
  const second = heartbeat(2, limit);
  await settle();
  await site.runtime.advance(LIMITER_WAIT_MAX_MS - 1);
  expect(limit).not.toHaveBeenCalled();
  await site.runtime.advance(1);
  expect(await second).toMatchObject({ count: 1 });
  expect(limit.mock.calls).toEqual([[true]]);
  const next = passes();
  await heartbeat(3, next);
  expect(next.mock.calls).toEqual([[false]]);
});

it('a refused session opens nothing, and the next one tries to open the channel', async () => {
  expect(await heartbeat(1, refuses())).toBe('over-limit');
  const limit = passes();
  expect(await heartbeat(2, limit)).toMatchObject({ count: 1 });
  expect(limit.mock.calls).toEqual([[true]]);
});

it('a known session asks no limiter, and a session of another channel does not wait', async () => {
  await heartbeat(1, passes());
  const limit = passes();
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
