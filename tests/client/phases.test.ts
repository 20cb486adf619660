// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Presence } from '../../src/client/presence';
import { FakeLocks } from './locks';
import { leaderMessage, sendFromOtherTab } from './other-tab';
import { advance, api, dispatch, setHidden, startClient } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

type Phase = 'waiting' | 'sending' | 'connected' | 'absent' | 'following';

let locks: FakeLocks;
let presence: Presence;
let releaseOther: () => void;
beforeEach(() => {
  locks = new FakeLocks();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
});

async function enterPhase(phase: Phase, answerMs: number) {
  if (phase === 'sending') api.delayMs = answerMs;
  presence = await startClient({ live: phase === 'connected' ? undefined : false });
  if (phase === 'connected') sockets[0]?.open();
  if (phase === 'absent') dispatch('pagehide');
  if (phase === 'following') {
    releaseOther = locks.take();
    await advance(1);
    await sendFromOtherTab(leaderMessage({ mood: 'release', choice: 5 }));
  }
  await advance(1);
  expect(observed()).toBe(phase);
  api.sent.length = 0;
}

/** The phase of the client, as its requests, its socket and its lock show it. */
function observed(): Phase {
  if (locks.held.length === 0) return 'absent';
  if (sockets.at(-1)?.readyState === 1) return 'connected';
  if (api.pending > 0) return 'sending';
  return presence.getSnapshot().data?.count === 7 ? 'following' : 'waiting';
}

const EVENTS: Record<string, () => unknown> = {
  'the timer ends': () => advance(11_500),
  'another mood is chosen': () => presence.setMood('gratitude'),
  'the same mood is chosen': () => presence.setMood(presence.getSnapshot().mood),
  'the tab is hidden': () => setHidden(true),
  'the tab is visible again': () => setHidden(false),
  'the browser is online': () => dispatch('online'),
  'the page fires pagehide': () => dispatch('pagehide'),
  'the page fires pageshow': () => dispatch('pageshow'),
  'another tab quits': () => sendFromOtherTab(null),
  'another tab takes the lead': () => {
    releaseOther = locks.take();
  },
  'another tab releases the lead': () => releaseOther(),
  'the answer arrives': () => advance(5_000),
  'a problem is the answer': () => {
    api.answer = () => problem(503);
    return advance(5_000);
  },
  'no answer arrives for 10 s': () => advance(9_999),
  'the socket breaks': () => sockets[0]?.close(),
  'the socket gets a state': () => sockets[0]?.receive(state(3)),
};

/** A row: the phase before, the event, the phase after, the requests, and the socket messages after the join. */
const ROWS: [Phase, keyof typeof EVENTS, Phase, string[], string[]?][] = [
  ['waiting', 'the timer ends', 'waiting', ['heartbeat']],
  ['waiting', 'another mood is chosen', 'waiting', ['heartbeat']],
  ['waiting', 'the same mood is chosen', 'waiting', []],
  ['waiting', 'the tab is hidden', 'waiting', []],
  ['waiting', 'the tab is visible again', 'waiting', ['heartbeat']],
  ['waiting', 'the browser is online', 'waiting', ['heartbeat']],
  ['waiting', 'the page fires pagehide', 'absent', ['leave']],
  ['waiting', 'the page fires pageshow', 'waiting', []],
  ['waiting', 'another tab quits', 'waiting', ['heartbeat']],
  ['waiting', 'another tab takes the lead', 'waiting', []],

  ['sending', 'another mood is chosen', 'sending', []],
  ['sending', 'the tab is visible again', 'sending', []],
  ['sending', 'the browser is online', 'sending', []],
  ['sending', 'the page fires pagehide', 'absent', ['leave']],
  ['sending', 'another tab quits', 'sending', []],
  ['sending', 'another tab takes the lead', 'waiting', []],
  ['sending', 'the answer arrives', 'waiting', []],
  ['sending', 'a problem is the answer', 'waiting', []],
  ['sending', 'no answer arrives for 10 s', 'waiting', []],

  ['connected', 'the timer ends', 'connected', [], ['ping']],
  ['connected', 'another mood is chosen', 'connected', [], ['gratitude']],
  ['connected', 'the same mood is chosen', 'connected', []],
  ['connected', 'the tab is hidden', 'connected', []],
  ['connected', 'the tab is visible again', 'connected', [], ['ping']],
  ['connected', 'the browser is online', 'connected', [], ['ping']],
  ['connected', 'the page fires pagehide', 'absent', []],
  ['connected', 'another tab quits', 'connected', []],
  ['connected', 'another tab takes the lead', 'waiting', []],
  ['connected', 'the socket breaks', 'waiting', []],
  ['connected', 'the socket gets a state', 'connected', []],

  ['following', 'another mood is chosen', 'waiting', ['heartbeat']],
  ['following', 'the same mood is chosen', 'following', []],
  ['following', 'the tab is hidden', 'following', []],
  ['following', 'the tab is visible again', 'waiting', ['heartbeat']],
  ['following', 'the browser is online', 'following', []],
  ['following', 'the page fires pagehide', 'following', []],
  ['following', 'another tab quits', 'following', []],
  ['following', 'another tab releases the lead', 'waiting', ['heartbeat']],

  ['absent', 'another mood is chosen', 'absent', []],
  ['absent', 'the tab is hidden', 'absent', []],
  ['absent', 'the browser is online', 'waiting', ['heartbeat']],
  ['absent', 'the page fires pageshow', 'waiting', ['heartbeat']],
  ['absent', 'the page fires pagehide', 'absent', []],
];

describe('phases', () => {
  it.each(ROWS)(
    'a tab in the phase %s, when %s, is then in the phase %s and requests %j',
    async (phase, event, after, requests, messages = []) => {
      await enterPhase(phase, event === 'no answer arrives for 10 s' ? 60_000 : 5_000);
      await EVENTS[event]?.();
      await advance(2);
      expect(observed()).toBe(after);
      expect(api.paths()).toEqual(requests);
      const [, ...sent] = sockets[0]?.sent ?? [];
      expect(sent.map((text) => (text === 'ping' ? text : JSON.parse(text).mood))).toEqual(messages);
    },
  );
});
