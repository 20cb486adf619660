import { beforeEach, expect, it } from 'vitest';
import { FakeRuntime, START, settle } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { ScriptedHub } from './scripted-hub';
import { WaitingReplica } from './waiting-replica';

const ANNA = sessionId(1);

let runtime: FakeRuntime;
let hub: ScriptedHub;
let replica: WaitingReplica;
let answerLimiter: (isWithin: boolean) => void;
let heartbeat: Promise<unknown>;
beforeEach(async () => {
  runtime = new FakeRuntime();
  hub = new ScriptedHub(runtime);
  replica = new WaitingReplica(hub, runtime);
  await replica.presence();
  const limiter = Promise.withResolvers<boolean>();
  answerLimiter = limiter.resolve;
  heartbeat = replica.heartbeatWithLimiter(ANNA, () => limiter.promise);
  await settle();
  await runtime.advance(500);
});

it('a heartbeat that waits for the limiter does not count if its session leaves at another replica', async () => {
  hub.stored.set(ANNA, { mood: null, lastSeen: START + 200 });
  hub.merge();
  answerLimiter(true);
  expect(await heartbeat).toMatchObject({ count: 0 });
});

it('a heartbeat that waits for the limiter keeps the mood of a later one at another replica', async () => {
  hub.stored.set(ANNA, { mood: 'release', lastSeen: START + 200 });
  hub.merge();
  answerLimiter(true);
  expect(await heartbeat).toMatchObject({ count: 1, moods: { release: 1 } });
});

it('a heartbeat that the limiter refuses counts if a merge adds an older one of its session', async () => {
  hub.stored.set(ANNA, { mood: 'release', lastSeen: START - 200 });
  hub.merge();
  answerLimiter(false);
  expect(await heartbeat).toMatchObject({ count: 1, moods: { presence: 1 } });
});

it('a session expires a TTL after its heartbeat arrived, not after the limiter answered', async () => {
  answerLimiter(true);
  await heartbeat;
  await runtime.advance(29_499);
  expect((await replica.presence()).count).toBe(1);
  await runtime.advance(1);
  expect((await replica.presence()).count).toBe(0);
});
