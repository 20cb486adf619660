import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../src/limits';
import type { SessionRecord } from '../../src/presence/session';
import { formatSessions, parseSessions } from '../../src/presence/stored-sessions';
import { sessionId } from '../session-id';

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
    expect(parseSessions(formatSessions(sessions), NOW)).toEqual({ sessions, dropped: 0 });
    expect(parseSessions(formatSessions(new Map()), NOW)).toEqual({ sessions: new Map(), dropped: 0 });
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
    expect(parse({ [id]: here, [BEN]: here })).toEqual({ sessions: new Map([[BEN, here]]), dropped: 1 });
  });

  it('are no further ahead than a clock can be', () => {
    const lastSeenOf = (lastSeen: number) =>
      parse({ [ANNA]: { ...here, lastSeen } }).sessions.get(ANNA)?.lastSeen;
    expect(lastSeenOf(NOW + CLOCK_SKEW_MAX_MS)).toBe(NOW + CLOCK_SKEW_MAX_MS);
    expect(lastSeenOf(NOW + CLOCK_SKEW_MAX_MS + 1)).toBe(NOW + CLOCK_SKEW_MAX_MS);
  });
});
