import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOODS } from '../../../src/moods';
import { ChannelCounts } from '../../../src/presence/channel-counts';
import { ChannelRules } from '../../../src/presence/channel-rules';
import { OpenChannels } from '../../../src/presence/open-channels';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { sessionKey } from '../../../src/presence/session-key';
import { sessionId } from '../../support/session-id';

const LOBBY = (n: number) => sessionKey('lobby', sessionId(n));
const POST = (n: number) => sessionKey('post-7', sessionId(n));

describe('counts of channels', () => {
  it('a session counts in its own channel only', () => {
    const counts = new ChannelCounts();
    counts.move(sessionId(1), null, 'gratitude');
    counts.move(LOBBY(1), null, 'release');
    counts.move(LOBBY(2), null, 'presence');
    expect(counts.of('')).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect(counts.of('lobby')).toEqual({ ...ZERO_COUNTS, release: 1, presence: 1 });
    expect(counts.of('post-7')).toEqual(ZERO_COUNTS);
  });

  it('a channel without sessions takes no memory', () => {
    const counts = new ChannelCounts();
    counts.move(LOBBY(1), null, 'release');
    counts.move(LOBBY(1), 'release', 'presence');
    expect([...counts.names]).toEqual(['lobby']);
    counts.move(LOBBY(1), 'presence', null);
    expect([...counts.names]).toEqual([]);
    counts.move(LOBBY(1), null, null);
    expect([...counts.names]).toEqual([]);
  });

  it('a clear sets the counts of every channel to zero', () => {
    const counts = new ChannelCounts();
    for (const key of [sessionId(1), LOBBY(1), POST(1)]) counts.move(key, null, 'release');
    counts.clear();
    for (const channel of ['', 'lobby', 'post-7']) expect(counts.of(channel)).toEqual(ZERO_COUNTS);
    expect([...counts.names]).toEqual([]);
  });

  it('the counts equal those of a plain list of sessions after any changes', () => {
    const keys = ['', 'lobby', 'constructor'].flatMap((channel) =>
      [1, 2, 3].map((n) => sessionKey(channel, sessionId(n))),
    );
    const change = fc.record({ key: fc.constantFrom(...keys), to: fc.constantFrom(null, ...MOODS) });
    void fc.assert(
      fc.property(fc.array(change), (changes) => {
        const counts = new ChannelCounts();
        const moods = new Map<string, (typeof MOODS)[number] | null>();
        for (const { key, to } of changes) {
          counts.move(key, moods.get(key) ?? null, to);
          moods.set(key, to);
        }
        for (const channel of ['', 'lobby', 'constructor']) {
          const present = [...moods].filter(
            ([key]) => (key.includes('/') ? key.split('/')[0] : '') === channel,
          );
          for (const mood of MOODS)
            expect(counts.of(channel)[mood]).toBe(present.filter(([, one]) => one === mood).length);
        }
      }),
    );
  });
});

describe('open channels', () => {
  const rules = new ChannelRules(['lobby'], ['post-', 'circle-'], 2);

  it('a channel that is open in two collections counts as one open channel', () => {
    const open = new OpenChannels(rules);
    const [own, remote] = [new ChannelCounts(open), new ChannelCounts(open)];
    own.move(POST(1), null, 'release');
    remote.move(POST(2), null, 'release');
    expect(open.isFull).toBe(false);
    own.move(sessionKey('post-8', sessionId(1)), null, 'release');
    expect(open.isFull).toBe(true);
    own.clear();
    expect(open.isFull).toBe(false);
    expect(open.wouldOpen('post-7')).toBe(false);
    remote.clear();
    expect(open.wouldOpen('post-7')).toBe(true);
  });

  it('the default channel and listed channels never count towards the maximum', () => {
    const open = new OpenChannels(rules);
    const counts = new ChannelCounts(open);
    counts.move(sessionId(1), null, 'release');
    for (let n = 1; n < 5; n += 1) counts.move(LOBBY(n), null, 'release');
    counts.move(POST(1), null, 'release');
    expect(open.isFull).toBe(false);
    for (let n = 1; n < 5; n += 1) counts.move(LOBBY(n), 'release', null);
    expect(open.isFull).toBe(false);
    expect(open.wouldOpen('')).toBe(false);
    expect(open.wouldOpen('lobby')).toBe(false);
  });
});

describe('rules of channels', () => {
  it.each([
    ['lobby', true],
    ['Lobby', false],
    ['lobby2', false],
    ['post-', true],
    ['post-7', true],
    ['apost-7', false],
    ['circle-x', true],
  ])('the rules allow listed names and names with a listed prefix: %s, allowed: %s', (name, isAllowed) => {
    expect(new ChannelRules(['lobby'], ['post-', 'circle-'], 2).allows(name)).toBe(isAllowed);
  });

  it('an empty prefix allows every name', () => {
    expect(new ChannelRules([], [''], 2).allows('anything')).toBe(true);
  });
});
