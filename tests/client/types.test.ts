import { expectTypeOf, it } from 'vitest';
import type {
  Mood,
  Presence,
  PresenceHistory,
  PresenceSnapshot,
  PresenceState,
} from '../../src/client/presence';
import type { usePresence } from '../../src/client/react';
import type { History } from '../../src/presence/history';
import type * as service from '../../src/presence/session';

it('the types of the client are those that the service infers from its schemas', () => {
  expectTypeOf<Mood>().toEqualTypeOf<service.Mood>();
  // The client freezes its moods.
  expectTypeOf<PresenceState>().toEqualTypeOf<
    Readonly<Omit<service.PresenceState, 'moods'> & { moods: service.MoodCounts }>
  >();
  expectTypeOf<service.PresenceState>().toExtend<PresenceState>();
});

it('the history of the client has the keys that the service infers from its schema, and is read-only', () => {
  expectTypeOf<History>().toExtend<PresenceHistory>();
  expectTypeOf<keyof PresenceHistory>().toEqualTypeOf<keyof History>();
  expectTypeOf<keyof PresenceHistory['peak']>().toEqualTypeOf<keyof History['peak']>();
  expectTypeOf<PresenceHistory>().toEqualTypeOf<
    Readonly<{
      timestamp: number;
      stepMs: number;
      counts: readonly number[];
      peak: Readonly<{ count: number; at: number }>;
      visits: number;
    }>
  >();
});

it('history resolves to a history or null, and others is a number or null in the snapshot and the hook', () => {
  expectTypeOf<Presence['history']>().toEqualTypeOf<() => Promise<PresenceHistory | null>>();
  expectTypeOf<PresenceSnapshot['others']>().toEqualTypeOf<number | null>();
  expectTypeOf<ReturnType<typeof usePresence>['others']>().toEqualTypeOf<number | null>();
});
