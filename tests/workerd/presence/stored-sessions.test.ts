import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS, KV_SESSIONS_MAX } from '../../../src/limits';
import type { SessionRecord } from '../../../src/presence/session';
import { formatSessions, parseSessions } from '../../../src/presence/stored-sessions';
import { sessionId } from '../../support/session-id';

const NOW = 1_000_000;
const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const parse = (value: unknown) => parseSessions(JSON.stringify(value), NOW);
const here = { mood: 'presence', lastSeen: NOW } as const;

describe('stored sessions', () => {
  it('are read as they were written', () => {
    const sessions = new Map<string, SessionRecord>([
      [ANNA, here],
      [BEN, { mood: null, lastSeen: NOW - 1 }],
    ]);
    expect(parseSessions(formatSessions(sessions), NOW)).toEqual({ sessions, dropped: 0, isCut: false });
    expect(parseSessions(formatSessions(new Map()), NOW)).toEqual({
      sessions: new Map(),
      dropped: 0,
      isCut: false,
    });
  });

  it('have ids in any case, and those are one in lower case', () => {
    const id = '0A1B2C3D-4E5F-4A0B-8C1D-2E3F4A5B6C7D';
    expect([...parse({ [id]: here }).sessions.keys()]).toEqual([id.toLowerCase()]);
  });

  it.each([
    ['something before it', `x${ANNA}`],
    ['something after it', `${ANNA}x`],
    ['a first part that is too short', '1-1111-4111-8111-111111111111'],
    ['a first part that is no number', 'zzzzzzzz-1111-4111-8111-111111111111'],
    ['a part too few', '11111111-1111-111111111111'],
    ['parts that are too short', '11111111-1-4-8-111111111111'],
    ['parts that are no numbers', '11111111-zzzz-zzzz-zzzz-111111111111'],
    ['a last part that is too short', '11111111-1111-4111-8111-1'],
    ['a last part that is no number', '11111111-1111-4111-8111-zzzzzzzzzzzz'],
  ])('are dropped and counted if the id has %s', (_what, id) => {
    expect(parse({ [id]: here, [BEN]: here })).toMatchObject({
      sessions: new Map([[BEN, here]]),
      dropped: 1,
    });
  });

  it('are no further ahead than a clock can be', () => {
    const lastSeenOf = (lastSeen: number) =>
      parse({ [ANNA]: { ...here, lastSeen } }).sessions.get(ANNA)?.lastSeen;
    expect(lastSeenOf(NOW + CLOCK_SKEW_MAX_MS)).toBe(NOW + CLOCK_SKEW_MAX_MS);
    expect(lastSeenOf(NOW + CLOCK_SKEW_MAX_MS + 1)).toBe(NOW + CLOCK_SKEW_MAX_MS);
  });

  const many = (count: number) =>
    new Map(
      Array.from({ length: count }, (_, n) => [sessionId(n), { mood: 'presence', lastSeen: n } as const]),
    );

  it('are the same in a value of many parts, in the same order', () => {
    const sessions = many(20_000);
    expect([...parseSessions(formatSessions(sessions), NOW).sessions]).toEqual([...sessions]);
  });

  it('are read up to the cap, and those that stand after it are left out', () => {
    const read = (max: number) => parseSessions(formatSessions(many(10)), NOW, max);
    expect(read(10)).toEqual({ sessions: many(10), dropped: 0, isCut: false });
    expect(read(9)).toEqual({ sessions: many(9), dropped: 0, isCut: true });
  });

  it('count once towards the cap where an id stands twice, and the last record holds', () => {
    const text = formatSessions(many(2_000));
    const twice = `${text.slice(0, -1)},${text.replaceAll('presence', 'release').slice(1)}`;
    const { sessions, isCut } = parseSessions(twice, NOW, 2_000);
    expect(isCut).toBe(false);
    expect([...sessions.values()].every(({ mood }) => mood === 'release')).toBe(true);
  });

  it('after the cap need not be JSON, since nothing reads them', () => {
    const text = `${formatSessions(many(20_000)).slice(0, -1)},${'{'.repeat(100_000)}`;
    expect(parseSessions(text, NOW, 100).isCut).toBe(true);
    expect(parseSessions(text, NOW)).toMatchObject({ sessions: many(20_000), dropped: 1 });
  });

  const long = 'x'.repeat(5_000);
  it.each([
    ['a long key', `"${long}":1`],
    ['a long text', `"x":"${long}"`],
    ['brackets in a long text', `"x":"${'}{],\\"'.repeat(1_000)}"`],
    ['deep nesting', `"x":${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['a long list', `"x":[${'0,'.repeat(5_000)}0]`],
  ])('are read before and after an entry with %s, which is dropped', (_what, entry) => {
    const [anna, ben] = [ANNA, BEN].map((id) => `"${id}":${JSON.stringify(here)}`);
    const both = new Map([
      [ANNA, here],
      [BEN, here],
    ]);
    const expected = { sessions: both, dropped: 1, isCut: false };
    expect(parseSessions(`{${anna},${entry},${ben}}`, NOW)).toEqual(expected);
    expect(parseSessions(`{${entry},${anna},${ben}}`, NOW)).toEqual(expected);
    expect(parseSessions(`{${anna},${ben},${entry}}`, NOW)).toEqual(expected);
  });

  it.each([
    ['no object', '[]'],
    ['a part that is no JSON', `${formatSessions(many(5_000)).slice(0, -1)},?}`],
    ['more after its end', `${formatSessions(many(5_000))},`],
    ['no end', formatSessions(many(5_000)).slice(0, -1)],
  ])('are none in a text that has %s', (_what, text) => {
    expect(parseSessions(text, NOW)).toEqual({ sessions: new Map(), dropped: 1, isCut: false });
  });

  it('fit into a value of KV, which takes 25 MiB, with the longest records and up to the cap', () => {
    const longest = { mood: 'connection', lastSeen: 9_999_999_999_999, rests: true } as const;
    const sessions = new Map(
      Array.from({ length: KV_SESSIONS_MAX }, (_, n) => [sessionId(n), longest] as const),
    );
    expect(formatSessions(sessions).length).toBeLessThan(25 * 2 ** 20);
  });
});
