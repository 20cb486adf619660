import { SYNC_WAIT_MAX_MS } from '../../limits';
import type { Hub, SyncOutcome } from '../hub';
import { Roster } from '../roster';
import type { Runtime } from '../runtime';
import { type MoodCounts, overrules, type SessionRecord, type SessionRecords } from '../session';
import type { SessionTable } from '../session-table';
import type { Timing } from '../timing';
import type { Trouble } from '../trouble';
import type { RoomStub, RoomVersion, WireAnswer } from './room-protocol';

interface RoomHubOptions {
  /** Makes a stub for one call: after a failed one the platform wants a new one. */
  readonly room: () => RoomStub;
  readonly timing: Timing;
  readonly runtime: Pick<Runtime, 'now'>;
}

/**
 * The hub in one Durable Object, the room: it hears from every replica, and tells each of them what is new.
 *
 * A sync costs what has changed since the last one, however many people there are: the sessions heard here go out, and who
 * came, went or changed the mood elsewhere comes in. So a replica knows who is elsewhere, not only how many, and counts
 * nobody twice whose heartbeat comes here next.
 *
 * A replica keeps what it has to tell until the room has answered, and tells a room that has lost its memory everything again.
 * So a lost call loses nothing. It does not promise more than the room's last word: others are counted as of that, and for a TTL.
 */
export class RoomHub implements Hub {
  readonly kind = 'durable-object';
  readonly #room: RoomHubOptions['room'];
  readonly #timing: Timing;
  readonly #runtime: Pick<Runtime, 'now'>;
  /** Whom the room counts and this replica does not hold. The room says when they end. */
  #elsewhere = new Roster();
  /** Who left, as of the last answer. */
  #left = new Map<string, SessionRecord>();
  #known: RoomVersion | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** The room was full at the last sync, so it may have refused sessions. */
  #isRoomFull = false;
  /** Heard here, and not known to the room as far as we know. */
  readonly #untold = new Set<string>();

  constructor({ room, timing, runtime }: RoomHubOptions) {
    this.#room = room;
    this.#timing = timing;
    this.#runtime = runtime;
  }

  get trouble(): Trouble | undefined {
    return this.#isRoomFull ? 'too-many-sessions' : undefined;
  }

  get hasHeard(): boolean {
    return this.#answeredAt !== Number.NEGATIVE_INFINITY;
  }

  async sync(own: SessionTable): Promise<SyncOutcome> {
    const before = this.#known;
    const answer = await this.#call(own);
    if (before === undefined || answer.version.epoch === before.epoch) return 'done';
    // The room has lost its memory, and with it what it had not saved.
    for (const [id, record] of own) {
      const theirs = answer.sessions.get(id);
      if (record.mood === null || theirs === undefined || overrules(record, theirs)) this.#untold.add(id);
    }
    if (this.#untold.size > 0) await this.#call(own);
    return 'done';
  }

  counts(now: number): MoodCounts {
    this.#forgetIfOld(now);
    return this.#elsewhere.counts;
  }

  last(id: string): SessionRecord | undefined {
    return this.#elsewhere.get(id) ?? this.#left.get(id);
  }

  claim(id: string): SessionRecord | undefined {
    this.#untold.add(id);
    return this.#elsewhere.delete(id) ?? this.#left.get(id);
  }

  #forgetIfOld(now: number): void {
    if (now < this.#answeredAt + this.#timing.ttlMs || this.#known === undefined) return;
    this.#elsewhere = new Roster();
    this.#known = undefined;
  }

  async #call(own: SessionTable): Promise<WireAnswer> {
    this.#forgetIfOld(this.#runtime.now());
    const known = this.#known;
    const sent = this.#toTell(own);
    const heard = new Map([...sent].map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }]));
    const answer = await this.#room().sync({ known, heard });
    // The answer to a call that was given up goes on from where we no longer are.
    if (this.#known === known) this.#learn(own, sent, answer);
    return answer;
  }

  /**
   * What the room has not heard; and who expires here. If another replica has heard of such a session since, the room says
   * so, and it goes missing here at no time.
   */
  #toTell(own: SessionTable): SessionRecords {
    const { ttlMs, syncIntervalMs } = this.#timing;
    const toTell = new Map<string, SessionRecord>();
    // By then the next answer will have come, even if it takes as long as anybody waits for it.
    const soonMs = 2 * syncIntervalMs + SYNC_WAIT_MAX_MS;
    const expiring = own.doubtful(this.#runtime.now() + soonMs - ttlMs);
    for (const id of [...this.#untold, ...expiring]) {
      const record = own.last(id);
      // A leave of somebody unknown left no trace, and what was over long ago is forgotten.
      if (record === undefined) this.#untold.delete(id);
      else toTell.set(id, record);
    }
    return toTell;
  }

  #learn(own: SessionTable, sent: SessionRecords, answer: WireAnswer): void {
    const now = this.#runtime.now();
    this.#known = answer.version;
    this.#answeredAt = now;
    this.#isRoomFull = answer.isFull === true;
    if (answer.isAll) this.#elsewhere = new Roster();
    this.#left = new Map([...answer.sessions].filter(([, { mood }]) => mood === null));
    for (const id of this.#left.keys()) this.#elsewhere.delete(id);
    for (const [id, { mood, lastSeen }] of own.learn(answer.sessions)) {
      if (mood !== null) this.#elsewhere.set(id, mood, now, lastSeen);
    }
    for (const [id, record] of sent) {
      // Heard again during the call, a session has another record by now.
      if (own.last(id) === record) this.#untold.delete(id);
      const isOver = record.mood === null && (answer.sessions.get(id)?.mood ?? null) === null;
      if (isOver || this.#elsewhere.get(id) !== undefined) own.settle(id);
    }
  }
}
