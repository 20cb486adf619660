import { describe, expect, it } from 'vitest';
import { MOODS } from '../../../src/moods';
import { overrules } from '../../../src/presence/session';

describe('two records of one session', () => {
  it('a record with a later time overrules the other record of its session', () => {
    expect(overrules({ mood: null, lastSeen: 2 }, { mood: 'presence', lastSeen: 1 })).toBe(true);
    expect(overrules({ mood: 'presence', lastSeen: 1 }, { mood: null, lastSeen: 2 })).toBe(false);
  });

  it('a heartbeat overrules a leave of the same time', () => {
    for (const mood of MOODS) {
      expect(overrules({ mood, lastSeen: 1 }, { mood: null, lastSeen: 1 })).toBe(true);
      expect(overrules({ mood: null, lastSeen: 1 }, { mood, lastSeen: 1 })).toBe(false);
    }
  });

  it('exactly one of two heartbeats of the same time overrules if their moods differ, and none otherwise', () => {
    for (const mood of MOODS) {
      for (const other of MOODS) {
        const [a, b] = [
          { mood, lastSeen: 1 },
          { mood: other, lastSeen: 1 },
        ];
        expect(Number(overrules(a, b)) + Number(overrules(b, a))).toBe(mood === other ? 0 : 1);
      }
    }
  });
});
