import { DEFAULT_MOOD, type Mood } from '../moods.js';
import type { PresenceOptions } from './types.js';
import { mergeVisits, newId, readVisit, saveVisit, type Visit } from './visit.js';

/** The visit of this tab. The storage and messages keep it equal in all tabs. */
export interface SharedVisit {
  current(): Visit;
  /** Begins a visit at the origin of a service, or continues the stored one. Returns whether a leave of an earlier page may be late. */
  begin(service: string): boolean;
  /** Chooses a mood. `share` sets the time of the choice. With undefined the stored choice holds, else `DEFAULT_MOOD`. */
  choose(mood: Mood | null | undefined): void;
  /** Merges the stored visit, and stores the result for its time to live (ms). */
  share(ttlMs: number): void;
  /** Merges the visit of another tab. */
  merge(other: Visit): void;
}

/** @param onMerge Called after each merge, with the visit before it. */
export function createSharedVisit(
  { mood, sessionId, channel = '' }: PresenceOptions,
  onMerge: (before: Visit) => void,
): SharedVisit {
  let visit: Visit = { id: '', since: 0, mood: null, choice: 0 };
  /** Whether `share` must set the time of the last choice. It must be later than that of the stored choice. */
  let hasNewChoice = false;
  let service = '';

  /**
   * Whether this tab shares the stored visit. A tab that only watches does not, and neither does one with the option `sessionId`. A client
   * without a page does not either: Deno keeps one storage for all processes of a program.
   */
  const isStored = () => globalThis.document && visit.mood && !sessionId;
  const stored = () => (isStored() ? readVisit(service, channel) : undefined);

  function choose(chosen: Mood | null | undefined) {
    hasNewChoice = chosen !== undefined;
    visit = chosen === undefined ? { ...visit, mood: DEFAULT_MOOD, choice: 0 } : { ...visit, mood: chosen };
  }

  function merge(other: Visit) {
    const before = visit;
    visit = mergeVisits(visit, other);
    onMerge(before);
  }

  choose(mood);

  return {
    current: () => visit,
    begin(origin) {
      service = origin;
      const known = stored();
      visit = {
        ...visit,
        id: sessionId ?? known?.id ?? newId(),
        since: known?.since ?? Date.now(),
      };
      return known !== undefined || sessionId !== undefined;
    },
    choose,
    share(ttlMs) {
      const known = stored();
      if (hasNewChoice)
        visit = { ...visit, choice: Math.max(Date.now(), visit.choice + 1, (known?.choice ?? 0) + 1) };
      hasNewChoice = false;
      if (known) merge({ ...visit, ...known });
      if (isStored()) saveVisit(service, channel, visit, ttlMs, known);
    },
    merge,
  };
}
