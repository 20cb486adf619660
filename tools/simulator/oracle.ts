import { MOODS, type Mood } from '../../src/moods';
import { type MoodCounts, ZERO_COUNTS } from '../../src/presence/session';
import type { Bounds } from './bounds';

/** Moods by their place in `MOODS`: the lists are looked through at every answer, and counting by name takes much longer. */
type MoodIndex = number;
/** Sessions by the place of their mood in `MOODS`. */
type Counts = Uint32Array;

/** What is true of one session, by the time of its requests' arrival on the one true clock (ms). */
interface Visit {
  readonly id: string;
  mood: MoodIndex;
  /** Last heartbeat. */
  beatAt: number;
  /** When it left; undefined while it has not. */
  leftAt: number | undefined;
  location: number;
  isolate: number;
  /** Since when it has been here without a break. */
  cameAt: number;
  /** Since when it has been here without a break in this mood and this location. */
  sameSince: number;
  /** Since when it has been served by this isolate. */
  servedSince: number;
  /** The isolates that served it, by their numbers, in this location. */
  readonly servedBy: Set<number>;
}

/** A trace that a session left in one location in one mood. */
interface Trace {
  readonly key: string;
  readonly mood: MoodIndex;
  readonly location: number;
  beatAt: number;
  /** The running isolate that served the last heartbeat. */
  writer: object;
  /** Since when the writer has had the chance to write that the session ended; undefined while it has not. */
  endWrittenFrom: number | undefined;
}

export const peopleIn = (moods: MoodCounts) => MOODS.reduce((people, mood) => people + moods[mood], 0);

/**
 * Who is really here: a plain list of sessions with their last heartbeat and whether they left, looked through at every
 * question. It shares no code with what it judges, and is as simple as can be.
 */
export class Oracle {
  readonly #ttlMs: number;
  readonly #tombstoneTtlMs: number;
  readonly #isolatesDiffer: boolean;
  readonly #steadyMs: number;
  #visits: Visit[] = [];
  readonly #visitOf = new Map<string, Visit>();
  #traces: Trace[] = [];
  readonly #traceOf = new Map<string, Trace>();
  readonly #tracesOf = new WeakMap<object, Set<Trace>>();
  #nextForgettingAt = 0;

  /**
   * @param tombstoneTtlMs For how long after a heartbeat anybody will ask about it.
   * @param isolatesDiffer Whether it matters to others which isolate of a location serves somebody.
   * @param steadyMs A session whose next heartbeat comes later is settled only some time after it.
   */
  constructor(ttlMs: number, tombstoneTtlMs: number, isolatesDiffer: boolean, steadyMs: number) {
    this.#steadyMs = steadyMs;
    this.#ttlMs = ttlMs;
    this.#tombstoneTtlMs = tombstoneTtlMs;
    this.#isolatesDiffer = isolatesDiffer;
  }

  /** @param writer The running isolate; another object after an eviction. */
  heartbeat(id: string, name: Mood, location: number, isolate: number, writer: object, now: number): void {
    const mood = MOODS.indexOf(name);
    this.#forget(now);
    const visit = this.#visitOf.get(id);
    if (visit === undefined || !this.#isHere(visit, now)) {
      const since = { beatAt: now, leftAt: undefined, cameAt: now, sameSince: now, servedSince: now };
      const fresh = { id, mood, location, isolate, servedBy: new Set([isolate]), ...since };
      this.#visits.push(fresh);
      this.#visitOf.set(id, fresh);
    } else {
      const isThere = visit.location === location;
      const isSteady = now - visit.beatAt <= this.#steadyMs;
      if (visit.mood !== mood || !isSteady || (this.#isolatesDiffer && !isThere)) visit.sameSince = now;
      if (!isThere) visit.servedBy.clear();
      if (!isThere || visit.isolate !== isolate) visit.servedSince = now;
      visit.servedBy.add(isolate);
      visit.mood = mood;
      visit.location = location;
      visit.isolate = isolate;
      visit.beatAt = now;
    }
    const key = `${id} ${location} ${mood}`;
    const fresh = { key, mood, location, beatAt: now, writer, endWrittenFrom: undefined };
    const trace: Trace = this.#traceOf.get(key) ?? fresh;
    if (!this.#traceOf.has(key)) this.#traces.push(trace);
    this.#traceOf.set(key, trace);
    this.#tracesOf.get(trace.writer)?.delete(trace);
    this.#tracesOf.set(writer, (this.#tracesOf.get(writer) ?? new Set()).add(trace));
    trace.beatAt = now;
    trace.writer = writer;
    trace.endWrittenFrom = undefined;
  }

  /** An isolate serves a request, and with it syncs if the last sync is `syncMs` old. */
  serves(isolate: object, syncMs: number, now: number): void {
    // In the order of their heartbeats, so those behind a young one are younger.
    for (const trace of this.#tracesOf.get(isolate) ?? []) {
      if (now < trace.beatAt + this.#ttlMs + syncMs) return;
      if (now - trace.beatAt > this.#tombstoneTtlMs) this.#tracesOf.get(isolate)?.delete(trace);
      else trace.endWrittenFrom ??= now;
    }
  }

  leave(id: string, now: number): void {
    const visit = this.#visitOf.get(id);
    if (visit !== undefined && this.#isHere(visit, now)) visit.leftAt = now;
  }

  /** The true presence. */
  moods(now: number): MoodCounts {
    const counts = noCounts();
    for (const visit of this.#visits) if (this.#isHere(visit, now)) increment(counts, visit.mood);
    return named(counts);
  }

  /**
   * The sessions that an isolate must count: they have been here for long enough in the same mood, and are not about to expire. On
   * KV an isolate that a session has left lets it expire, and need not have read yet where it is. Nor has the summary that it writes.
   */
  settled(
    at: { readonly location: number; readonly isolate: number },
    now: number,
    { homeShownMs, awayShownMs, earlyMs }: Bounds,
  ): MoodCounts {
    const counts = noCounts();
    for (const visit of this.#visits) {
      const isHome = visit.location === at.location;
      const mayLack = this.#isolatesDiffer && (!isHome || visit.servedBy.has(at.isolate));
      const since = mayLack ? Math.max(visit.sameSince, visit.servedSince) : visit.sameSince;
      const within = isHome ? homeShownMs : awayShownMs;
      if (this.#isHere(visit, now + earlyMs) && now - since > within) increment(counts, visit.mood);
    }
    return named(counts);
  }

  /**
   * Those who may be shown in a location: every trace that is not too old.
   * Somebody who moves or changes the mood has more than one trace.
   */
  traces(location: number, now: number, { homeGhostMs, awayGhostMs }: Bounds): MoodCounts {
    const counts = noCounts();
    for (const trace of this.#traces) {
      const within = trace.location === location ? homeGhostMs : awayGhostMs;
      if (now - trace.beatAt <= within) increment(counts, trace.mood);
    }
    return named(counts);
  }

  /**
   * How many people may be shown in a location: those of `traces`, but at home after the grace only if their writer has vanished, or
   * has just had the chance to write that they ended.
   */
  mostPeople(
    location: number,
    now: number,
    { homeGraceMs, homeGhostMs, endReadMs, awayGhostMs }: Bounds,
  ): number {
    let people = 0;
    for (const { location: there, beatAt, endWrittenFrom } of this.#traces) {
      const age = now - beatAt;
      const isReadLate = endWrittenFrom === undefined || now <= endWrittenFrom + endReadMs;
      const within = there !== location ? awayGhostMs : isReadLate ? homeGhostMs : homeGraceMs;
      if (age <= Math.max(within, homeGraceMs)) people += 1;
    }
    return people;
  }

  /** How long ago each visit that is over ended, the latest first (ms). */
  endedAgo(now: number): readonly number[] {
    const over = this.#visits.filter((visit) => !this.#isHere(visit, now));
    return over.map(({ leftAt, beatAt }) => now - (leftAt ?? beatAt + this.#ttlMs)).sort((a, b) => a - b);
  }

  /** How long ago each visit that goes on began, the latest first (ms). */
  begunAgo(now: number): readonly number[] {
    const here = this.#visits.filter((visit) => this.#isHere(visit, now));
    return here.map(({ cameAt }) => now - cameAt).sort((a, b) => a - b);
  }

  #isHere(visit: Visit, now: number): boolean {
    return visit.leftAt === undefined && now - visit.beatAt < this.#ttlMs;
  }

  #forget(now: number): void {
    if (now < this.#nextForgettingAt) return;
    this.#nextForgettingAt = now + 10_000;
    const remembered = ({ beatAt }: { beatAt: number }) => now - beatAt <= this.#tombstoneTtlMs;
    for (const visit of this.#visits)
      if (!remembered(visit) && this.#visitOf.get(visit.id) === visit) this.#visitOf.delete(visit.id);
    for (const trace of this.#traces) if (!remembered(trace)) this.#traceOf.delete(trace.key);
    this.#visits = this.#visits.filter(remembered);
    this.#traces = this.#traces.filter(remembered);
  }
}

const noCounts = (): Counts => new Uint32Array(MOODS.length);

function increment(counts: Counts, mood: MoodIndex): void {
  counts[mood] = (counts[mood] ?? 0) + 1;
}

function named(counts: Counts): MoodCounts {
  const moods: Record<Mood, number> = { ...ZERO_COUNTS };
  let index = 0;
  for (const mood of MOODS) {
    moods[mood] = counts[index] ?? 0;
    index += 1;
  }
  return moods;
}
