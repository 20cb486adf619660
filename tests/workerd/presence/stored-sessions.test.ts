import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { CLOCK_SKEW_MAX_MS, KV_SESSIONS_MAX } from '../../../src/limits';
import { MOODS } from '../../../src/moods';
import { Mood, WholeNumber } from '../../../src/presence/session';
import { parseSessions, type StoredRecord } from '../../../src/presence/stored-sessions';
import { formatSessions } from '../../support/format-sessions';
import { sessionId } from '../../support/session-id';

const NOW = 1_000_000;
const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const parse = (value: unknown) => parseSessions(JSON.stringify(value), NOW);
/** The schema of the entries that the reader checks by hand. */
const Record = z.object({ mood: z.nullable(Mood), lastSeen: WholeNumber });
const here = { mood: 'presence', lastSeen: NOW } as const;

describe('stored sessions', () => {
  it('a reader reads the sessions that a writer wrote', () => {
    const sessions = new Map<string, StoredRecord>([
      [ANNA, here],
      [BEN, { mood: null, lastSeen: NOW - 1 }],
      [CARL, { ...here, rests: true }],
    ]);
    expect(parseSessions(formatSessions(sessions), NOW)).toEqual({ sessions, dropped: 0, isCut: false });
    expect(parseSessions(formatSessions(new Map()), NOW)).toEqual({
      sessions: new Map(),
      dropped: 0,
      isCut: false,
    });
  });

  it('a reader accepts ids in any case, and returns them in lower case', () => {
    const id = '0A1B2C3D-4E5F-4A0B-8C1D-2E3F4A5B6C7D';
    expect([...parse({ [id]: here }).sessions.keys()]).toEqual([id.toLowerCase()]);
  });

  it.each([
    ['a letter before it', `x${ANNA}`],
    ['a letter after it', `${ANNA}x`],
    ['a first part that is too short', '1-1111-4111-8111-111111111111'],
    ['a first part that is no number', 'zzzzzzzz-1111-4111-8111-111111111111'],
    ['a part too few', '11111111-1111-111111111111'],
    ['parts that are too short', '11111111-1-4-8-111111111111'],
    ['parts that are no numbers', '11111111-zzzz-zzzz-zzzz-111111111111'],
    ['a last part that is too short', '11111111-1111-4111-8111-1'],
    ['a last part that is no number', '11111111-1111-4111-8111-zzzzzzzzzzzz'],
  ])('a reader drops and counts an entry whose id has %s', (_what, id) => {
    expect(parse({ [id]: here, [BEN]: here })).toMatchObject({
      sessions: new Map([[BEN, here]]),
      dropped: 1,
    });
  });

  it('a reader lowers a time in the future to the allowed clock skew', () => {
    const lastSeenOf = (lastSeen: number) =>
      parse({ [ANNA]: { ...here, lastSeen } }).sessions.get(ANNA)?.lastSeen;
    expect(lastSeenOf(NOW + CLOCK_SKEW_MAX_MS)).toBe(NOW + CLOCK_SKEW_MAX_MS);
    expect(lastSeenOf(NOW + CLOCK_SKEW_MAX_MS + 1)).toBe(NOW + CLOCK_SKEW_MAX_MS);
  });

  const moodLike = fc.oneof(fc.constantFrom(null, ...MOODS, 'joy', 'Presence', ''), fc.jsonValue());
  const timeLike = fc.oneof(
    fc.constantFrom(-1, 0, 0.5, 2 ** 53),
    fc.maxSafeInteger(),
    fc.double(),
    fc.jsonValue(),
  );
  it('a reader accepts exactly the entries that the schema of a record accepts', () => {
    void fc.assert(
      fc.property(
        fc.oneof(fc.record({ mood: moodLike, lastSeen: timeLike }, { requiredKeys: [] }), fc.jsonValue()),
        (entry) => {
          const json = JSON.parse(JSON.stringify(entry));
          expect(parse({ [ANNA]: json }).dropped).toBe(Number(!Record.safeParse(json).success));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it.each([false, 1, 'true', null, {}])('a reader ignores a value of rests that is not true: %j', (rests) => {
    expect(parse({ [ANNA]: { ...here, rests } })).toEqual({
      sessions: new Map([[ANNA, here]]),
      dropped: 0,
      isCut: false,
    });
  });

  const many = (count: number) =>
    new Map(
      Array.from({ length: count }, (_, n) => [sessionId(n), { mood: 'presence', lastSeen: n } as const]),
    );

  it('a reader keeps the order of sessions in a value of many parts', () => {
    const sessions = many(20_000);
    expect([...parseSessions(formatSessions(sessions), NOW).sessions]).toEqual([...sessions]);
  });

  it('a reader reads sessions up to the limit, and leaves out later ones', () => {
    const read = (max: number) => parseSessions(formatSessions(many(10)), NOW, max);
    expect(read(10)).toEqual({ sessions: many(10), dropped: 0, isCut: false });
    expect(read(9)).toEqual({ sessions: many(9), dropped: 0, isCut: true });
  });

  it('an id that a value has twice counts once towards the limit, and its last record counts', () => {
    const text = formatSessions(many(2_000));
    const twice = `${text.slice(0, -1)},${text.replaceAll('presence', 'release').slice(1)}`;
    const { sessions, isCut } = parseSessions(twice, NOW, 2_000);
    expect(isCut).toBe(false);
    expect([...sessions.values()].every(({ mood }) => mood === 'release')).toBe(true);
  });

  it('a reader does not parse the text after the limit', () => {
    const text = `${formatSessions(many(20_000)).slice(0, -1)},${'{'.repeat(100_000)}`;
    expect(parseSessions(text, NOW, 100)).toEqual({ sessions: many(100), dropped: 0, isCut: true });
  });

  const long = 'x'.repeat(5_000);
  it.each([
    ['a long key', `"${long}":1`],
    ['a long text', `"x":"${long}"`],
    ['brackets in a long text', `"x":"${'}{],\\"'.repeat(1_000)}"`],
    ['deep nesting', `"x":${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['a long list', `"x":[${'0,'.repeat(5_000)}0]`],
  ])('a reader drops an entry with %s, and reads the entries before and after it', (_what, entry) => {
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

  it.each(['', '[]', 'no JSON', '{', '{}{}'])(
    'a reader returns no session of a text that is no object: %j',
    (text) => {
      expect(parseSessions(text, NOW)).toEqual({ sessions: new Map(), dropped: 1, isCut: false });
    },
  );

  const [manySessions, manyText] = [many(5_000), formatSessions(many(5_000))];
  it.each([
    ['an end that is no JSON', `${manyText.slice(0, -1)},?}`],
    ['further text after its end', `${manyText},`],
    ['no end', manyText.slice(0, -1)],
    [
      'an end with more inner objects than a part may have',
      `${manyText.slice(0, -1)},"x":{${'"y":{},'.repeat(2_000)}"z":{}}}`,
    ],
    ['an end with an entry that is too long', `${manyText.slice(0, -1)},"x":"${'x'.repeat(100_000)}"}`],
  ])('a reader reads the parts before the end of a text that has %s', (_what, text) => {
    const { sessions, dropped, isCut } = parseSessions(text, NOW);
    expect([dropped, isCut]).toEqual([1, false]);
    expect([...sessions]).toEqual([...manySessions].slice(0, sessions.size));
    expect(sessions.size).toBeGreaterThan(4_000);
  });

  it.each([1, '\t'])(
    'a reader reads all sessions of a value that other software has indented: %j',
    (space) => {
      const text = JSON.stringify(Object.fromEntries(manySessions), null, space);
      expect(parseSessions(text, NOW)).toEqual({ sessions: manySessions, dropped: 0, isCut: false });
    },
  );

  it('a reader reads entries of a later version with texts and inner objects that look like an end', () => {
    const entryOf = (n: number) =>
      `"${sessionId(n)}":{"mood":"presence","a":{"b":{},"c":"},\\"{"},"lastSeen":${n},"d":{}}`;
    const text = `{${Array.from({ length: 5_000 }, (_, n) => entryOf(n)).join(',')}}`;
    expect(parseSessions(text, NOW)).toEqual({ sessions: manySessions, dropped: 0, isCut: false });
  });

  it('100,000 of the longest records fit into the 25 MiB of a KV value', () => {
    const longest = { mood: 'connection', lastSeen: 9_999_999_999_999, rests: true } as const;
    const sessions = new Map(
      Array.from({ length: KV_SESSIONS_MAX }, (_, n) => [sessionId(n), longest] as const),
    );
    expect(formatSessions(sessions).length).toBeLessThan(25 * 2 ** 20);
  });
});
