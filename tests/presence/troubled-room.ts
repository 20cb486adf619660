import type { RoomAnswer, RoomReport, RoomStub } from '../../src/presence/room-protocol';

/** A real room that counts its calls, and fails where and how a test says. */
export class TroubledRoom {
  calls = 0;
  trouble: 'is away' | 'loses its answer' | 'hangs' | undefined;
  lastReport: RoomReport | undefined;
  readonly #room: () => Pick<RoomStub, 'sync'>;

  constructor(room: () => Pick<RoomStub, 'sync'>) {
    this.#room = room;
  }

  async sync(report: RoomReport): Promise<RoomAnswer> {
    this.calls += 1;
    this.lastReport = report;
    if (this.trouble === 'hangs') return new Promise(() => undefined);
    if (this.trouble === 'is away') throw new Error('The room is away.');
    const answer = await this.#room().sync(report);
    if (this.trouble === 'loses its answer') throw new Error('Network connection lost.');
    return answer;
  }
}
