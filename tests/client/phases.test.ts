// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Presence } from '../../src/client/presence';
import { FakeLocks } from './locks';
import { fromLeader, send } from './other-tab';
import { api, dispatch, passed, present, setHidden } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

type Phase = 'waiting' | 'beating' | 'live' | 'absent' | 'listening';

let locks: FakeLocks;
let presence: Presence;
let releaseOther: () => void;
beforeEach(() => {
  locks = new FakeLocks();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('navigator', { locks, userAgent: 'a person', webdriver: false });
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
});

async function arrive(phase: Phase, answerMs: number) {
  if (phase === 'beating') api.delayMs = answerMs;
  presence = await present({ live: phase === 'live' ? undefined : false });
  if (phase === 'live') sockets[0]?.open();
  if (phase === 'absent') dispatch('pagehide');
  if (phase === 'listening') {
    releaseOther = locks.take();
    await passed(1);
    await send(fromLeader({ mood: 'release', choice: 5 }));
  }
  await passed(1);
  expect(observed()).toBe(phase);
  api.sent.length = 0;
}

/** The phase of the client, as a service and another tab see it. */
function observed(): Phase {
  if (locks.held.length === 0) return 'absent';
  if (sockets.at(-1)?.readyState === 1) return 'live';
  if (api.pending > 0) return 'beating';
  return presence.getSnapshot().data?.count === 7 ? 'listening' : 'waiting';
}

const EVENTS: Record<string, () => unknown> = {
  'the timer ends': () => passed(11_500),
  'another mood is chosen': () => presence.setMood('gratitude'),
  'the same mood is chosen': () => presence.setMood(presence.getSnapshot().mood),
  'the tab is hidden': () => setHidden(true),
  'the tab is visible again': () => setHidden(false),
  'the browser is online': () => dispatch('online'),
  'the page goes': () => dispatch('pagehide'),
  'the page comes back': () => dispatch('pageshow'),
  'another tab quits': () => send(null),
  'another tab takes the lead': () => {
    releaseOther = locks.take();
  },
  'another tab releases the lead': () => releaseOther(),
  'the answer comes': () => passed(5_000),
  'a problem is the answer': () => {
    api.answer = () => problem(503);
    return passed(5_000);
  },
  'no answer comes for 10 s': () => passed(9_999),
  'the socket breaks': () => sockets[0]?.close(),
  'the socket gets a state': () => sockets[0]?.receive(state(3)),
};

/** A row: the phase before, the event, the phase after, the requests of 2 ms, and messages on the socket besides the join. */
const ROWS: [Phase, keyof typeof EVENTS, Phase, string[], string[]?][] = [
  ['waiting', 'the timer ends', 'waiting', ['heartbeat']],
  ['waiting', 'another mood is chosen', 'waiting', ['heartbeat']],
  ['waiting', 'the same mood is chosen', 'waiting', []],
  ['waiting', 'the tab is hidden', 'waiting', []],
  ['waiting', 'the tab is visible again', 'waiting', ['heartbeat']],
  ['waiting', 'the browser is online', 'waiting', ['heartbeat']],
  ['waiting', 'the page goes', 'absent', ['leave']],
  ['waiting', 'the page comes back', 'waiting', []],
  ['waiting', 'another tab quits', 'waiting', ['heartbeat']],
  ['waiting', 'another tab takes the lead', 'waiting', []],

  ['beating', 'another mood is chosen', 'beating', []],
  ['beating', 'the tab is visible again', 'beating', []],
  ['beating', 'the browser is online', 'beating', []],
  ['beating', 'the page goes', 'absent', ['leave']],
  ['beating', 'another tab quits', 'beating', []],
  ['beating', 'another tab takes the lead', 'waiting', []],
  ['beating', 'the answer comes', 'waiting', []],
  ['beating', 'a problem is the answer', 'waiting', []],
  ['beating', 'no answer comes for 10 s', 'waiting', []],

  ['live', 'the timer ends', 'live', [], ['ping']],
  ['live', 'another mood is chosen', 'live', [], ['gratitude']],
  ['live', 'the same mood is chosen', 'live', []],
  ['live', 'the tab is hidden', 'live', []],
  ['live', 'the tab is visible again', 'live', [], ['ping']],
  ['live', 'the browser is online', 'live', [], ['ping']],
  ['live', 'the page goes', 'absent', []],
  ['live', 'another tab quits', 'live', []],
  ['live', 'another tab takes the lead', 'waiting', []],
  ['live', 'the socket breaks', 'waiting', []],
  ['live', 'the socket gets a state', 'live', []],

  ['listening', 'another mood is chosen', 'waiting', ['heartbeat']],
  ['listening', 'the same mood is chosen', 'listening', []],
  ['listening', 'the tab is hidden', 'listening', []],
  ['listening', 'the tab is visible again', 'waiting', ['heartbeat']],
  ['listening', 'the browser is online', 'listening', []],
  ['listening', 'the page goes', 'listening', []],
  ['listening', 'another tab quits', 'listening', []],
  ['listening', 'another tab releases the lead', 'waiting', ['heartbeat']],

  ['absent', 'another mood is chosen', 'absent', []],
  ['absent', 'the tab is hidden', 'absent', []],
  ['absent', 'the browser is online', 'waiting', ['heartbeat']],
  ['absent', 'the page comes back', 'waiting', ['heartbeat']],
  ['absent', 'the page goes', 'absent', []],
];

describe('a tab that is', () => {
  it.each(ROWS)(
    '%s, when %s, is %s and requests %j',
    async (phase, event, after, requests, messages = []) => {
      await arrive(phase, event === 'no answer comes for 10 s' ? 60_000 : 5_000);
      await EVENTS[event]?.();
      await passed(2);
      expect(observed()).toBe(after);
      expect(api.paths()).toEqual(requests);
      const [, ...sent] = sockets[0]?.sent ?? [];
      expect(sent.map((text) => (text === 'ping' ? text : JSON.parse(text).mood))).toEqual(messages);
    },
  );
});
