import { beforeEach, describe, expect, it } from 'vitest';
import { sessionId } from '../support/session-id';
import type { Deployment, Isolate } from './deployment';
import { BOTH_WAYS } from './test-protocol';
import { expectMoods, live, type Moods, type Visit } from './visits';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

/** One hub, with the number of syncs that it needs. */
export interface HubSite {
  /** Returns the deployment of the running test. */
  readonly deployment: () => Deployment;
  /** After so many rounds, both isolates count what clients did in the first one. */
  readonly agreeRounds: number;
  /** After so many rounds, no isolate counts a session that left. A TTL takes more, otherwise the session expires meanwhile. */
  readonly leaveRounds: number;
  /** So many rounds after its last heartbeat, no isolate counts a session. */
  readonly endRounds: number;
}

/** Tests what each hub guarantees to isolates of two versions. */
export function hubContract(
  name: string,
  { deployment, agreeRounds, leaveRounds, endRounds }: HubSite,
): void {
  describe.each(BOTH_WAYS)(`${name}: isolates of %s and %s that share a hub`, (first, second) => {
    let here: Isolate;
    let there: Isolate;
    beforeEach(() => {
      here = deployment().isolate(first);
      there = deployment().isolate(second);
    });

    const agree = (visits: readonly Visit[]) => live(deployment(), [here, there], agreeRounds, visits);
    const end = () => live(deployment(), [here, there], endRounds, []);

    /** Expects that both isolates, and fresh ones of both versions, count these moods and no others. */
    const expectAll = (moods: Moods) =>
      expectMoods([here, there, deployment().isolate('1.0'), deployment().isolate('today')], moods);

    it('two isolates of one hub count the sessions of both', async () => {
      await agree([
        [here, ANNA, 'gratitude'],
        [there, BEN, 'release'],
        [here, CARL, 'presence'],
      ]);
      await expectAll({ gratitude: 1, release: 1, presence: 1 });
    });

    it.each(['first', 'second'])(
      'a leave at the %s isolate ends a session at both isolates',
      async (where) => {
        const ben: Visit = [there, BEN, 'presence'];
        await agree([[here, ANNA, 'presence'], ben]);
        await expectAll({ presence: 2 });
        // Otherwise the leave has the time of the last heartbeat.
        await deployment().pass(1);
        await (where === 'first' ? here : there).leave(ANNA);
        await live(deployment(), [here, there], leaveRounds, [ben]);
        await expectAll({ presence: 1 });
      },
    );

    it('a change of the mood reaches both isolates of one hub', async () => {
      await agree([
        [here, ANNA, 'gratitude'],
        [there, BEN, 'gratitude'],
      ]);
      await agree([
        [here, ANNA, 'release'],
        [there, BEN, 'connection'],
      ]);
      await expectAll({ release: 1, connection: 1 });
    });

    it('a session that moves to the other isolate and back counts once', async () => {
      const ben: Visit = [there, BEN, 'presence'];
      await agree([[here, ANNA, 'gratitude'], ben]);
      await deployment().pass(1);
      expect((await there.heartbeat(ANNA, 'release')).count).toBe(2);
      await agree([[there, ANNA, 'release'], ben]);
      await expectAll({ release: 1, presence: 1 });
      expect((await here.heartbeat(ANNA, 'connection')).count).toBe(2);
      await agree([[here, ANNA, 'connection'], ben]);
      await expectAll({ connection: 1, presence: 1 });
    });

    it('the count reaches zero after the last heartbeats of a crowd, and stays there', async () => {
      await agree(
        Array.from({ length: 30 }, (_, n) => [n % 2 === 0 ? here : there, sessionId(n), 'presence']),
      );
      await expectAll({ presence: 30 });
      await end();
      await expectAll({});
      await end();
      await expectAll({});
    });
  });
}
