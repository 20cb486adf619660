import { DEFAULT_MOOD, type Mood } from '../moods.js';
import type { PresenceOptions } from './types.js';
import { joinVisits, newId, readVisit, saveVisit, type Visit } from './visit.js';

/** The visit of this tab. It shares the visit with the other tabs of the browser: by the storage, and by their messages. */
export interface SharedVisit {
  current(): Visit;
  /** Begins a visit at a service, an origin, or continues the stored one. Returns whether another page may just have left it. */
  begin(service: string): boolean;
  /** Chooses a mood. `share` numbers the choice. */
  choose(mood: Mood | null): void;
  /** Joins the stored visit, and stores the result for its time to live (ms). */
  share(ttlMs: number): void;
  /** Joins the visit of another tab. */
  join(other: Visit): void;
}

/** @param onJoin Called after each join, with the visit of before. */
export function createSharedVisit(
  { mood, sessionId }: PresenceOptions,
  onJoin: (before: Visit) => void,
): SharedVisit {
  let visit: Visit = { id: '', since: 0, mood: mood === undefined ? DEFAULT_MOOD : mood, choice: 0 };
  /** The choice has no number yet: it must be later than the stored one. */
  let isChosen = mood !== undefined;
  let service = '';

  /** A tab that only watches, or has an id of its own, has no part in the stored visit. */
  const isStored = () => visit.mood && !sessionId;
  const stored = () => (isStored() ? readVisit(service) : undefined);

  function join(other: Visit) {
    const before = visit;
    visit = joinVisits(visit, other);
    onJoin(before);
  }

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
    choose(chosen) {
      visit = { ...visit, mood: chosen };
      isChosen = true;
    },
    share(ttlMs) {
      const known = stored();
      if (isChosen)
        visit = { ...visit, choice: Math.max(Date.now(), visit.choice + 1, (known?.choice ?? 0) + 1) };
      isChosen = false;
      if (known) join(known);
      if (isStored()) saveVisit(service, visit, ttlMs);
    },
    join,
  };
}
