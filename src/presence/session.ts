import * as z from 'zod/mini';
import { CLOCK_SKEW_MAX_MS } from '../limits';
import { MOODS } from '../moods';

export const Mood = z.enum(MOODS, { error: `must be one of: ${MOODS.join(', ')}` });
export type Mood = z.infer<typeof Mood>;

export const isMood = (value: unknown): value is Mood => MOODS.includes(value as Mood);

/** A UUID in any text form of RFC 9562. The value is in lower case, otherwise `A…` and `a…` are two sessions. */
export const SessionId = z
  .guid({ error: 'must be a UUID: 8-4-4-4-12 hexadecimal digits' })
  .check(z.toLowerCase());

export const WholeNumber = z.int().check(z.nonnegative());

/** Sessions per mood. Every mood is a key. */
export const MoodCounts = z.object(forEachMood(WholeNumber));
export type MoodCounts = Readonly<z.infer<typeof MoodCounts>>;

/** `count` is the sum of `moods`. `timestamp` is the server's clock in ms since 1970. */
export interface PresenceState {
  readonly count: number;
  readonly moods: MoodCounts;
  readonly timestamp: number;
}

/** The last heartbeat of a session, or its leave with the mood null. `lastSeen` is the time of either, in ms since 1970. */
export interface SessionRecord {
  readonly mood: Mood | null;
  readonly lastSeen: number;
}

/** Records by session key. */
export type SessionRecords = ReadonlyMap<string, SessionRecord>;

export const ZERO_COUNTS: MoodCounts = Object.freeze(forEachMood(0));

export function addCounts(a: MoodCounts, b: MoodCounts): MoodCounts {
  // A copy is faster than a new object that gets its keys one by one.
  const sum: Record<Mood, number> = { ...a };
  for (const mood of MOODS) sum[mood] += b[mood];
  return sum;
}

export function totalOf(moods: MoodCounts): number {
  let total = 0;
  for (const mood of MOODS) total += moods[mood];
  return total;
}

/**
 * Whether `a` wins over `b`, two records of one session. The later time wins. At the same time a heartbeat wins over a leave,
 * and a later mood of `MOODS` over an earlier one. Without a fixed order two replicas never agree.
 */
export function overrules(a: SessionRecord, b: SessionRecord): boolean {
  if (a.lastSeen !== b.lastSeen) return a.lastSeen > b.lastSeen;
  return rank(a.mood) > rank(b.mood);
}

/**
 * Returns the stamp of a heartbeat or a leave at `now` (ms): at least 1 ms after all known records of the session. It is at most
 * `CLOCK_SKEW_MAX_MS` ahead of `now`, otherwise other replicas lower it.
 */
export function stampAfter(now: number, known?: SessionRecord, other?: SessionRecord): number {
  const latest = Math.max(known?.lastSeen ?? 0, other?.lastSeen ?? 0);
  return Math.min(Math.max(now, latest + 1), now + CLOCK_SKEW_MAX_MS);
}

/** Returns an object with every mood as a key, in the order of `MOODS`. */
function forEachMood<Value>(value: Value): Record<Mood, Value> {
  return Object.fromEntries(MOODS.map((mood) => [mood, value])) as Record<Mood, Value>;
}

const rank = (mood: Mood | null) => (mood === null ? -1 : MOODS.indexOf(mood));
