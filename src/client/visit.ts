import { MOODS, type Mood } from '../moods.js';

/** One visit of this browser at one service. All its tabs share the visit, and a reload continues it. Each channel has its own mood. */
export interface Visit {
  /** A random UUID. */
  readonly id: string;
  /** When the visit began (ms since 1970). */
  readonly since: number;
  /** `null` for a tab that only watches. It is never stored. */
  readonly mood: Mood | null;
  /** When the mood was chosen (ms since 1970), at least 1 ms after the choice before. 0: none was chosen. */
  readonly choice: number;
}

/**
 * Merges the visits of two tabs: the id of the older visit, the mood of the later choice. At equal times the smaller id and the greater
 * name of a mood stay. The order of merges does not matter.
 */
export function mergeVisits(mine: Visit, other: Visit): Visit {
  const { id, since } = (other.since - mine.since || (other.id < mine.id ? -1 : 1)) < 0 ? other : mine;
  const order = other.choice - mine.choice || (`${other.mood}` > `${mine.mood}` ? 1 : -1);
  const { mood, choice } = order > 0 ? other : mine;
  return { id, since, mood, choice };
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The key in the storage. The number is the version of the stored value. */
const keyOf = (service: string) => `presence 2 ${service}`;

/** Otherwise a channel can have the name of an inherited property, such as `constructor`. */
const moodKeyOf = (channel: string) => `/${channel}`;

/** The visit in the storage. The mood and its choice are missing if the channel has none. */
export interface StoredVisit extends Partial<Visit> {
  readonly id: string;
  readonly since: number;
  /** The mood and its choice of each channel. */
  readonly moods: Readonly<Record<string, readonly [Mood, number]>>;
  /** The rest of its time to live (ms). */
  readonly restMs: number;
}

/**
 * Reads the stored visit at the origin of a service. Returns undefined if the visit was not used for its time to live. Otherwise a
 * service can follow a person from one visit to the next. Also returns undefined if the storage is blocked or has another value.
 */
export function readVisit(service: string, channel: string): StoredVisit | undefined {
  try {
    const { id, since, moods, usedAt, ttlMs } = JSON.parse(localStorage[keyOf(service)]);
    // The difference is below zero if the clock was set back.
    const restMs = ttlMs - Math.abs(Date.now() - usedAt);
    const [mood, choice] = moods[moodKeyOf(channel)] ?? [];
    if (restMs > 0 && UUID.test(id) && since >= 0)
      return { id, since, moods, restMs, ...(MOODS.includes(mood) && choice >= 0 && { mood, choice }) };
  } catch {
    // Nothing is stored, or the page may not read it.
  }
  return undefined;
}

/**
 * Stores the visit with the mood of this channel, as in use now. The moods of other channels stay, and so does the rest of a longer
 * time to live.
 */
export function saveVisit(
  service: string,
  channel: string,
  { id, since, mood, choice }: Visit,
  ttlMs: number,
  stored?: StoredVisit,
): void {
  try {
    localStorage[keyOf(service)] = JSON.stringify({
      id,
      since,
      moods: { ...stored?.moods, ...(choice && { [moodKeyOf(channel)]: [mood, choice] }) },
      usedAt: Date.now(),
      ttlMs: Math.max(ttlMs, stored?.restMs ?? 0),
    });
  } catch {
    // The page may not write it. This tab still has the visit.
  }
}

/** A new UUID. Pages without TLS have no `crypto.randomUUID`, and some test environments have no `crypto`. */
export function newId(): string {
  const { crypto } = globalThis;
  const digit = () =>
    ((crypto?.getRandomValues?.(new Uint8Array(1))[0] ?? Math.random() * 16) & 15).toString(16);
  return crypto?.randomUUID?.() ?? 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, digit);
}
