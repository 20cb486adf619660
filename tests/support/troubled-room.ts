import type { RoomStub, WireAnswer, WireReport } from '../../src/presence/room/room-protocol';

/** A real room that counts its calls. A test sets its fault in `trouble`. */
export class TroubledRoom {
  calls = 0;
  trouble: 'throws' | 'loses its answer' | 'hangs' | undefined;
  lastReport: WireReport | undefined;
  readonly #room: () => Pick<RoomStub, 'sync'>;

  #late = Promise.withResolvers<void>();

  constructor(room: () => Pick<RoomStub, 'sync'>) {
    this.#room = room;
  }

  async sync(report: WireReport): Promise<WireAnswer> {
    this.calls += 1;
    this.lastReport = report;
    const { trouble } = this;
    const late = this.#late.promise;
    if (trouble === 'throws') throw new Error('The room is unavailable.');
    const answer = await this.#room().sync(report);
    if (trouble === 'hangs') await late;
    if (trouble === 'loses its answer') throw new Error('Network connection lost.');
    return answer;
  }

  /** Delivers the answers of calls that hang. */
  deliverAnswers(): void {
    this.#late.resolve();
    this.#late = Promise.withResolvers();
  }
}
