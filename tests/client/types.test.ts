import { expectTypeOf, it } from 'vitest';
import type { Mood, PresenceState } from '../../src/client/presence';
import type * as service from '../../src/presence/session';

it('the types of the client are those that the service infers from its schemas', () => {
  expectTypeOf<Mood>().toEqualTypeOf<service.Mood>();
  // The client freezes its moods.
  expectTypeOf<PresenceState>().toEqualTypeOf<
    Readonly<Omit<service.PresenceState, 'moods'> & { moods: service.MoodCounts }>
  >();
  expectTypeOf<service.PresenceState>().toExtend<PresenceState>();
});
