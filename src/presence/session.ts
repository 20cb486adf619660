import * as z from 'zod';
import { CLOCK_SKEW_MAX_MS } from '../limits';
import { MOODS } from '../moods';

export { MOODS };

export const Mood = z.enum(MOODS, { error: `must be one of: ${MOODS.join(', ')}` });
export type Mood = z.infer<typeof Mood>;

/** An anonymous id in any text form of RFC 9562, in lower case, so that `A…` and `a…` are one session. */
export const SessionId = z.guid({ error: 'must be a UUID: 8-4-4-4-12 hexadecimal digits' }).toLowerCase();

const WholeNumber = z.int().nonnegative();

/** Sessions per mood. Every mood is a key. */
export const MoodCounts = z.object(forEachMood(WholeNumber));
export type MoodCounts = Readonly<z.infer<typeof MoodCounts>>;

/** The answer to "who is here?": `count` is the sum of `moods`, `timestamp` the server's clock in ms since 1970. */
export const PresenceState = z.object({ count: WholeNumber, moods: MoodCounts, timestamp: z.int() });
export type PresenceState = Readonly<z.infer<typeof PresenceState>>;

/** What is known of a session: its mood, or `null` once it left, and the time of that in ms since 1970. */
export const SessionRecord = z.object({ mood: Mood.nullable(), lastSeen: WholeNumber });
export type SessionRecord = Readonly<z.infer<typeof SessionRecord>>;

/** Session id → what is known of it. */
export type SessionRecords = ReadonlyMap<string, SessionRecord>;

export const NOBODY: MoodCounts = Object.freeze(forEachMood(0));

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
 * Whether `a` overrules `b` when both tell of one session: the later time wins, and of the same time the heartbeat.
 * Of two heartbeats at the same time the mood that comes later in `MOODS` wins: any fixed order would do, as long as
 * every replica has the same, or two of them would never agree.
 */
export function overrules(a: SessionRecord, b: SessionRecord): boolean {
  if (a.lastSeen !== b.lastSeen) return a.lastSeen > b.lastSeen;
  return rank(a.mood) > rank(b.mood);
}

/**
 * The time of a heartbeat or a leave at `now`: later than all that is known of the session, if need be by 1 ms, and never further
 * ahead than other replicas believe (ms).
 */
export function stampAfter(now: number, ...known: readonly (SessionRecord | undefined)[]): number {
  const latest = Math.max(...known.map((record) => record?.lastSeen ?? 0));
  return Math.min(Math.max(now, latest + 1), now + CLOCK_SKEW_MAX_MS);
}

/** An object with every mood as a key, in the order of `MOODS`. */
function forEachMood<Value>(value: Value): Record<Mood, Value> {
  return Object.fromEntries(MOODS.map((mood) => [mood, value])) as Record<Mood, Value>;
}

const rank = (mood: Mood | null) => (mood === null ? -1 : MOODS.indexOf(mood));
