import { beforeEach, expect, it } from 'vitest';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { KvSite } from './kv-site';
import { loneWriter, sendHeartbeats } from './lone-writer';

const ANNA = sessionId(1);
const SECOND = 1_000;

let site: KvSite;
let runtime: FakeRuntime;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime } = site);
});

/** The replica of each heartbeat, one every 10 s. The heartbeat before the first one is at A. */
const MOVES = {
  once: () => 'B',
  'every 10 s': (nth: number) => (nth % 2 === 0 ? 'A' : 'B'),
  'every 30 s': (nth: number) => (Math.floor(nth / 3) % 2 === 0 ? 'B' : 'A'),
  'for 60 s': (nth: number) => (nth <= 6 ? 'B' : 'A'),
} as const;
const CASES = Object.keys(MOVES).flatMap((move) =>
  [1, 30].flatMap((sessionCount) =>
    [0.001, 5, 11, 14].map((seconds) => [move as keyof typeof MOVES, sessionCount, seconds] as const),
  ),
);

it.each(CASES)(
  'a session that moves %s counts at B and a third replica: B holds %d sessions and wrote %d s before',
  async (move, sessionCount, seconds) => {
    const { writer: b, ids } = await loneWriter(site, sessionCount);
    const [a, third] = [site.join(), site.join()];
    /** B syncs every 12.5 s and the others every 10 s. Otherwise no refresh of B is just before the move. */
    const atB = async (request: () => Promise<unknown>) => {
      runtime.randomNumber = 1;
      await request();
      runtime.randomNumber = 0.5;
    };
    await atB(() => b.presence());
    await third.presence();
    const movesAt = runtime.now() + seconds * SECOND;
    while (runtime.now() < movesAt) {
      await runtime.advance(Math.min(SECOND, movesAt - runtime.now()));
      await atB(() => b.presence());
    }
    await a.heartbeat(ANNA, 'release');
    // B and the third replica count the session after their next syncs.
    for (let round = 0; round < 10; round += 1) {
      await runtime.advance(SECOND);
      for (const replica of [a, third]) await replica.presence();
      await atB(() => b.presence());
    }
    const expected = { ...ZERO_COUNTS, presence: sessionCount, release: 1 };
    let missingSeconds = 0;
    for (let second = 0; second < 200; second += 1) {
      if (second % 10 === 0) {
        const isAtA = MOVES[move](1 + second / 10) === 'A';
        if (isAtA) await a.heartbeat(ANNA, 'release');
        else await atB(() => b.heartbeat(ANNA, 'release'));
        await atB(() => sendHeartbeats(b, ids));
      }
      // The first answer is from before a sync that is due, the second one from after it.
      for (let request = 0; request < 2; request += 1) {
        expect((await third.presence()).moods, `at the third replica after ${second} s`).toEqual(expected);
        await atB(async () => expect((await b.presence()).moods, `at B after ${second} s`).toEqual(expected));
      }
      // The session expires at A up to one sync interval before A reads the record of B.
      await a.presence();
      const isMissingAtA = (await a.presence()).moods.release === 0;
      missingSeconds = isMissingAtA ? missingSeconds + 1 : 0;
      expect(missingSeconds, `at A after ${second} s`).toBeLessThanOrEqual(10);
      await runtime.advance(SECOND);
    }
  },
);
