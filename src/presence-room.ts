import { DurableObject } from 'cloudflare:workers';
import { type Bindings, type LiveRoomStub, parseSettings } from './config';
import { ROOM_ALARM_GAP_MS } from './limits';
import { PlatformSockets } from './platform-socket';
import type { History } from './presence/history';
import { HistoryTable } from './presence/room/history-table';
import { Room } from './presence/room/room';
import { RoomJournal } from './presence/room/room-journal';
import {
  answerToWire,
  CHANNELS_HEADER,
  channelOfUrl,
  reportFromWire,
  type WireAnswer,
  type WireReport,
} from './presence/room/room-protocol';
import { RateLimitedLog } from './rate-limited-log';
import { REAL_RUNTIME } from './runtime';

/**
 * The Durable Object: forwards calls, sockets and alarms to its `Room`, and sets the alarm of the room.
 *
 * The object can hibernate between events: only timers of at most 5 s delay that. A room with sockets and sessions has one alarm,
 * for the next end of a session.
 */
export class PresenceRoom extends DurableObject<Bindings> implements LiveRoomStub {
  readonly #sockets: PlatformSockets;
  readonly #room: Room;
  #alarmAt: number | undefined;

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    const { timing, channels } = parseSettings(env);
    const { ttlMs } = timing;
    const { now } = REAL_RUNTIME;
    const log = new RateLimitedLog(now, (line) => console.warn(line));
    this.#sockets = new PlatformSockets(state);
    this.#room = new Room({
      ttlMs,
      runtime: REAL_RUNTIME,
      epoch: crypto.randomUUID(),
      journal: new RoomJournal(state.storage.sql, ttlMs, now, log.report),
      historyStore: new HistoryTable(state.storage.sql, log.report),
      sockets: this.#sockets.open(),
      channels,
      report: log.report,
    });
    // Otherwise each start of the object sets the same alarm again, which is a billed write.
    void state.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await state.storage.getAlarm()) ?? undefined;
    });
  }

  async sync(report: WireReport): Promise<WireAnswer> {
    const answer = answerToWire(this.#room.sync(reportFromWire(report)));
    await this.#setAlarm();
    return answer;
  }

  async history(): Promise<History> {
    const history = this.#room.history();
    await this.#setAlarm();
    return history;
  }

  /** Opens a live socket in the channel that the path names, or answers 503. The Worker checks the request (api/live.ts). */
  override async fetch(request: Request): Promise<Response> {
    if (!this.#room.acceptsSockets) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#room.open(this.#sockets.accept(server), channelOfUrl(request.url));
    await this.#setAlarm();
    return new Response(null, { status: 101, webSocket: client, headers: { [CHANNELS_HEADER]: '1' } });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#room.receive(this.#sockets.portOf(socket), message);
    await this.#setAlarm();
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    this.#room.close(this.#sockets.portOf(socket), code);
    await this.#setAlarm();
  }

  override webSocketError(socket: WebSocket): void {
    this.#room.close(this.#sockets.portOf(socket));
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = undefined;
    this.#room.applyPings();
    await this.#setAlarm();
  }

  /** Sets an alarm for the next end of a session, unless an earlier alarm is set. */
  async #setAlarm(): Promise<void> {
    const nextEnd = this.#room.nextEnd();
    if (nextEnd === undefined) return;
    const alarmAt = Math.max(nextEnd, REAL_RUNTIME.now() + ROOM_ALARM_GAP_MS);
    if (this.#alarmAt !== undefined && alarmAt >= this.#alarmAt) return;
    await this.ctx.storage.setAlarm(alarmAt);
    this.#alarmAt = alarmAt;
  }
}
