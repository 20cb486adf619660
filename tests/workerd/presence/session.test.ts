import { describe, expect, it } from 'vitest';
import { MOODS } from '../../../src/moods';
import { overrules } from '../../../src/presence/session';

describe('of two records of one session', () => {
  it('the later overrules', () => {
    expect(overrules({ mood: null, lastSeen: 2 }, { mood: 'presence', lastSeen: 1 })).toBe(true);
    expect(overrules({ mood: 'presence', lastSeen: 1 }, { mood: null, lastSeen: 2 })).toBe(false);
  });

  it('at the same time the heartbeat overrules the leave', () => {
    for (const mood of MOODS) {
      expect(overrules({ mood, lastSeen: 1 }, { mood: null, lastSeen: 1 })).toBe(true);
      expect(overrules({ mood: null, lastSeen: 1 }, { mood, lastSeen: 1 })).toBe(false);
    }
  });

  it('exactly one overrules if they differ, and none if they are the same', () => {
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
