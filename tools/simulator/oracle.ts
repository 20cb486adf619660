import { MOODS, type Mood } from '../../src/moods';
import { type MoodCounts, ZERO_COUNTS } from '../../src/presence/session';
import type { Bounds } from './bounds';

/** The place of a mood in `MOODS`. Every answer counts all sessions, and counts by name take much longer. */
type MoodIndex = number;
/** Sessions by the place of their mood in `MOODS`. */
type Counts = Uint32Array;

/** The true state of one session. Times are those at which its requests arrived, by the one true clock (ms). */
interface Visit {
  readonly id: string;
  mood: MoodIndex;
  lastHeartbeatAt: number;
  /** The time of its leave. Undefined without a leave. */
  leftAt: number | undefined;
  location: number;
  isolate: number;
  /** It has been present without a break since then. */
  startedAt: number;
  /** It has been present in this mood and this location without a break since then. */
  sameSince: number;
  /** The isolate has served it without a break since then. */
  servedSince: number;
  /** The numbers of the isolates of this location that served it. */
  readonly servedBy: Set<number>;
}

/** A record of one session in one location and one mood, which replicas may still count. */
interface Trace {
  readonly key: string;
  readonly mood: MoodIndex;
  readonly location: number;
  lastHeartbeatAt: number;
  /** The isolate that served the last heartbeat, until its eviction. */
  writer: object;
  /** The time at which the writer first could store the end of the session. Undefined before. */
  endWrittenFrom: number | undefined;
}

export const peopleIn = (moods: MoodCounts) => MOODS.reduce((people, mood) => people + moods[mood], 0);

/**
 * The true sessions of one channel: a list with the last heartbeat and the leave of each. Every question reads the whole list. The
 * oracle shares no code with the classes that it judges.
 */
export class Oracle {
  readonly #ttlMs: number;
  readonly #memoryMs: number;
  readonly #isolatesDiffer: boolean;
  readonly #steadyMs: number;
  #visits: Visit[] = [];
  readonly #visitOf = new Map<string, Visit>();
  #traces: Trace[] = [];
  readonly #traceOf = new Map<string, Trace>();
  readonly #tracesOf = new WeakMap<object, Set<Trace>>();
  #nextForgettingAt = 0;

  /**
   * @param memoryMs The oracle answers questions about a heartbeat for this time.
   * @param isolatesDiffer Whether the counts depend on the isolate that serves a session.
   * @param steadyMs After a longer gap between two heartbeats a session is settled anew.
   */
  constructor(ttlMs: number, memoryMs: number, isolatesDiffer: boolean, steadyMs: number) {
    this.#steadyMs = steadyMs;
    this.#ttlMs = ttlMs;
    this.#memoryMs = memoryMs;
    this.#isolatesDiffer = isolatesDiffer;
  }

  /** @param writer The store of the isolate. After an eviction it is another object. */
  heartbeat(id: string, name: Mood, location: number, isolate: number, writer: object, now: number): void {
    const mood = MOODS.indexOf(name);
    this.#forget(now);
    const visit = this.#visitOf.get(id);
    if (visit === undefined || !this.#isPresent(visit, now)) {
      const since = {
        lastHeartbeatAt: now,
        leftAt: undefined,
        startedAt: now,
        sameSince: now,
        servedSince: now,
      };
      const fresh = { id, mood, location, isolate, servedBy: new Set([isolate]), ...since };
      this.#visits.push(fresh);
      this.#visitOf.set(id, fresh);
    } else {
      const isThere = visit.location === location;
      const isSteady = now - visit.lastHeartbeatAt <= this.#steadyMs;
      if (visit.mood !== mood || !isSteady || (this.#isolatesDiffer && !isThere)) visit.sameSince = now;
      if (!isThere) visit.servedBy.clear();
      if (!isThere || visit.isolate !== isolate) visit.servedSince = now;
      visit.servedBy.add(isolate);
      visit.mood = mood;
      visit.location = location;
      visit.isolate = isolate;
      visit.lastHeartbeatAt = now;
    }
    const key = `${id} ${location} ${mood}`;
    const fresh = { key, mood, location, lastHeartbeatAt: now, writer, endWrittenFrom: undefined };
    const trace: Trace = this.#traceOf.get(key) ?? fresh;
    if (!this.#traceOf.has(key)) this.#traces.push(trace);
    this.#traceOf.set(key, trace);
    this.#tracesOf.get(trace.writer)?.delete(trace);
    this.#tracesOf.set(writer, (this.#tracesOf.get(writer) ?? new Set()).add(trace));
    trace.lastHeartbeatAt = now;
    trace.writer = writer;
    trace.endWrittenFrom = undefined;
  }

  /** Notes that an isolate serves a request. It then syncs if its last sync is `syncMs` old. */
  noteRequest(isolate: object, syncMs: number, now: number): void {
    // The traces are in the order of their heartbeats, so all after a young one are younger.
    for (const trace of this.#tracesOf.get(isolate) ?? []) {
      if (now < trace.lastHeartbeatAt + this.#ttlMs + syncMs) return;
      if (now - trace.lastHeartbeatAt > this.#memoryMs) this.#tracesOf.get(isolate)?.delete(trace);
      else trace.endWrittenFrom ??= now;
    }
  }

  leave(id: string, now: number): void {
    const visit = this.#visitOf.get(id);
    if (visit !== undefined && this.#isPresent(visit, now)) visit.leftAt = now;
  }

  /** Returns the true counts. */
  moods(now: number): MoodCounts {
    const counts = noCounts();
    for (const visit of this.#visits) if (this.#isPresent(visit, now)) increment(counts, visit.mood);
    return named(counts);
  }

  /**
   * Returns the sessions that an isolate must count. They have had the same mood for long enough, and do not expire within `earlyMs`.
   * On KV a session expires in an isolate that no longer serves it. That isolate, and its summary, may lack the session until the
   * next read.
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
      if (this.#isPresent(visit, now + earlyMs) && now - since > within) increment(counts, visit.mood);
    }
    return named(counts);
  }

  /**
   * Returns the most sessions of each mood that a location may count: every trace that is not too old. A session that moves or changes
   * its mood has several traces.
   */
  traces(location: number, now: number, { homeCountedMs, awayCountedMs }: Bounds): MoodCounts {
    const counts = noCounts();
    for (const trace of this.#traces) {
      const within = trace.location === location ? homeCountedMs : awayCountedMs;
      if (now - trace.lastHeartbeatAt <= within) increment(counts, trace.mood);
    }
    return named(counts);
  }

  /**
   * Returns the most people that a location may count. In its own location a trace counts after the grace in two cases only. Its
   * writer was evicted, or could store the end less than `endReadMs` ago.
   */
  mostPeople(
    location: number,
    now: number,
    { homeGraceMs, homeCountedMs, endReadMs, awayCountedMs }: Bounds,
  ): number {
    let people = 0;
    for (const { location: there, lastHeartbeatAt, endWrittenFrom } of this.#traces) {
      const age = now - lastHeartbeatAt;
      const isReadLate = endWrittenFrom === undefined || now <= endWrittenFrom + endReadMs;
      const within = there !== location ? awayCountedMs : isReadLate ? homeCountedMs : homeGraceMs;
      if (age <= Math.max(within, homeGraceMs)) people += 1;
    }
    return people;
  }

  /** Returns the time since the end of each ended session, the latest first (ms). */
  endedAgo(now: number): readonly number[] {
    const ended = this.#visits.filter((visit) => !this.#isPresent(visit, now));
    return ended
      .map(({ leftAt, lastHeartbeatAt }) => now - (leftAt ?? lastHeartbeatAt + this.#ttlMs))
      .sort((a, b) => a - b);
  }

  /** Returns the time since the start of each present session, the latest first (ms). */
  startedAgo(now: number): readonly number[] {
    const present = this.#visits.filter((visit) => this.#isPresent(visit, now));
    return present.map(({ startedAt }) => now - startedAt).sort((a, b) => a - b);
  }

  #isPresent(visit: Visit, now: number): boolean {
    return visit.leftAt === undefined && now - visit.lastHeartbeatAt < this.#ttlMs;
  }

  #forget(now: number): void {
    if (now < this.#nextForgettingAt) return;
    this.#nextForgettingAt = now + 10_000;
    const isRemembered = ({ lastHeartbeatAt }: { lastHeartbeatAt: number }) =>
      now - lastHeartbeatAt <= this.#memoryMs;
    for (const visit of this.#visits)
      if (!isRemembered(visit) && this.#visitOf.get(visit.id) === visit) this.#visitOf.delete(visit.id);
    for (const trace of this.#traces) if (!isRemembered(trace)) this.#traceOf.delete(trace.key);
    this.#visits = this.#visits.filter(isRemembered);
    this.#traces = this.#traces.filter(isRemembered);
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
