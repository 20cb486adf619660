import { DurableObject } from 'cloudflare:workers';
import { type Bindings, type LiveRoomStub, parseSettings } from './config';
import { LIVE_SOCKETS_MAX, ROOM_ALARM_GAP_MS } from './limits';
import { LiveSockets } from './presence/room/live-sockets';
import { Room } from './presence/room/room';
import { RoomJournal } from './presence/room/room-journal';
import type { RoomAnswer, RoomReport } from './presence/room/room-protocol';
import { RateLimitedLog } from './rate-limited-log';
import { REAL_RUNTIME } from './runtime';

/**
 * The Durable Object of the room: it gives a `Room` its journal and its sockets, and wakes it when somebody may have fallen
 * silent.
 *
 * Nothing keeps it awake. While somebody watches and somebody is here, one alarm is set for when the next session would
 * end; a room that nobody watches needs none, since it looks when it is asked.
 */
export class PresenceRoom extends DurableObject<Bindings> implements LiveRoomStub {
  readonly #sockets: LiveSockets;
  readonly #room: Room;
  #alarmAt: number | undefined;

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    const { ttlMs } = parseSettings(env).timing;
    const { now } = REAL_RUNTIME;
    const journal = new RoomJournal(state.storage.sql, ttlMs, now);
    this.#sockets = new LiveSockets(state, now);
    const epoch = crypto.randomUUID();
    const { report } = new RateLimitedLog(now, (line) => console.warn(line));
    this.#room = new Room({ ttlMs, runtime: REAL_RUNTIME, epoch, journal, audience: this.#sockets, report });
    this.#room.heard(this.#sockets.guests);
    void state.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await state.storage.getAlarm()) ?? undefined;
    });
  }

  async sync(report: RoomReport): Promise<RoomAnswer> {
    const answer = this.#room.sync(report);
    await this.#setAlarm();
    return answer;
  }

  /** Opens a live socket. That the request asks for one the Worker has checked (api/live.ts). */
  override async fetch(): Promise<Response> {
    if (this.#sockets.size >= LIVE_SOCKETS_MAX) return new Response(null, { status: 503 });
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#room.expire();
    this.#sockets.open(ours, this.#room.counts);
    await this.#setAlarm();
    return new Response(null, { status: 101, webSocket: theirs });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#sockets.receive(socket, message, this.#room);
    await this.#setAlarm();
  }

  override webSocketClose(socket: WebSocket): void {
    this.#sockets.close(socket, this.#room);
  }

  override webSocketError(socket: WebSocket): void {
    this.#sockets.close(socket, this.#room);
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = undefined;
    this.#room.heard(this.#sockets.guests);
    this.#room.expire();
    await this.#setAlarm();
  }

  /** Sees to it that an alarm comes when the next session ends. One that is heard again meanwhile makes the alarm look in vain. */
  async #setAlarm(): Promise<void> {
    if (this.#sockets.size === 0) return;
    const nextEnd = this.#alarmAt === undefined ? this.#room.findNextEnd() : this.#room.newcomersEnd;
    if (nextEnd === undefined) return;
    const alarmAt = Math.max(nextEnd, REAL_RUNTIME.now() + ROOM_ALARM_GAP_MS);
    if (this.#alarmAt !== undefined && alarmAt >= this.#alarmAt) return;
    this.#alarmAt = alarmAt;
    await this.ctx.storage.setAlarm(alarmAt);
  }
}
