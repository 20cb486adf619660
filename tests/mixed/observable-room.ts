import type { WireAnswer, WireReport } from '../../src/presence/room/room-protocol';
import type { PresenceRoom } from '../../src/presence-room';
import { sessionId } from '../support/session-id';
import { RUNTIME, runTimersUntil, setClock } from './test-clock';
import type { RoomState, Version } from './test-protocol';

/** A call with more sessions is not recorded, because RPC takes at most 32 MiB. */
const CALL_SESSIONS_MAX = 1_000;

/** Sessions in one call, few enough to be sent as changes. */
const FILL_SESSIONS = 4_000;
/** The number of the first session that fills the room. */
const FILLED = 1_000_000;

/** Returns a room class that records the calls of its replicas, and that shows its state to a test. */
export const observable = (version: Version, Room: typeof PresenceRoom) =>
  class extends Room {
    readonly #calls: RoomState['calls'][number][] = [];

    override async sync(report: WireReport): Promise<WireAnswer> {
      const answer = await super.sync(report);
      if (answer.sessions.size > CALL_SESSIONS_MAX) return answer;
      this.#calls.push({ report: withObjects(report), answer: withObjects(answer) });
      return answer;
    }

    /** Moves the clock of the room, and runs the timers that are due. */
    async pass(nowMs: number): Promise<RoomState> {
      await runTimersUntil(nowMs);
      const { sql } = this.ctx.storage;
      const isEmpty =
        sql.exec("SELECT name FROM sqlite_master WHERE name = 'journal'").toArray().length === 0;
      return {
        version,
        rows: isEmpty ? [] : sql.exec('SELECT * FROM journal ORDER BY rowid').toArray(),
        attachments: this.ctx.getWebSockets().map((socket) => socket.deserializeAttachment()),
        alarmAt: await this.ctx.storage.getAlarm(),
        calls: this.#calls.splice(0),
      };
    }

    /** Merges that many sessions, in calls of replicas that know all earlier sessions. */
    async fill(count: number): Promise<void> {
      const record = { mood: 'presence', lastSeen: RUNTIME.now() } as const;
      let known: WireReport['known'];
      for (let from = 0; from < count; from += FILL_SESSIONS) {
        const ids = Array.from(
          { length: Math.min(FILL_SESSIONS, count - from) },
          (_, n) => FILLED + from + n,
        );
        const sessions = new Map(ids.map((n) => [sessionId(n), record]));
        ({ version: known } = await super.sync({ known, heard: sessions }));
      }
    }

    /** Runs the alarm at this time, as the platform does. */
    async runAlarm(nowMs: number): Promise<void> {
      setClock(nowMs);
      await this.ctx.storage.deleteAlarm();
      await this.alarm();
    }
  };

/** Returns a message with objects in place of its Maps, which JSON cannot hold. */
const withObjects = (message: object) =>
  Object.fromEntries(
    Object.entries(message).map(([key, value]) => [
      key,
      value instanceof Map ? Object.fromEntries(value) : value,
    ]),
  );
