import type { Room } from '../../src/presence/room/room';
import type { WireAnswer, WireReport } from '../../src/presence/room/room-protocol';
import { cappedChannels, DEFAULT_CHANNEL } from './channels';
import { peopleIn } from './oracle';
import type { Scenario } from './scenario';

/**
 * Judges every call to the room. Each session on the wire is in a channel that it has visited. The room never holds more channels
 * than the maximum. It parses keys itself, and shares no code with the room.
 */
export class RoomInvariants {
  /** The most channels that counted towards the maximum at once. */
  mostChannels = 0;
  /** All channels that ever counted towards the maximum. */
  readonly openedChannels = new Set<string>();
  readonly #scenario: Scenario;
  readonly #capped: readonly string[];
  readonly #onViolation: (what: string) => void;
  /** The keys that all sessions must have on the wire, by their part of the message. */
  readonly #keys = { ofDefault: new Set<string>(), ofOthers: new Set<string>() };

  constructor(scenario: Scenario, onViolation: (what: string) => void) {
    this.#scenario = scenario;
    this.#capped = cappedChannels(scenario);
    this.#onViolation = onViolation;
  }

  /** Notes that a heartbeat of a session arrived in a channel. */
  visit(channel: string, id: string): void {
    if (channel === DEFAULT_CHANNEL) this.#keys.ofDefault.add(id);
    else this.#keys.ofOthers.add(`${channel}/${id}`);
  }

  judge(report: WireReport, answer: WireAnswer, room: Pick<Room, 'countsOf'>): void {
    const { ofDefault, ofOthers } = this.#keys;
    this.#judgeKeys('a report', report.heard.keys(), ofDefault);
    this.#judgeKeys('a report, under channels,', report.channels?.keys() ?? [], ofOthers);
    this.#judgeKeys('an answer of the room', answer.sessions.keys(), ofDefault);
    this.#judgeKeys('an answer of the room, under channels,', answer.channels?.keys() ?? [], ofOthers);
    this.#judgeMaximum(room);
  }

  #judgeKeys(where: string, keys: Iterable<string>, known: ReadonlySet<string>): void {
    for (const key of keys)
      if (!known.has(key)) this.#onViolation(`${where} has ${key}, which never visited that channel`);
  }

  #judgeMaximum(room: Pick<Room, 'countsOf'>): void {
    const open = this.#capped.filter((channel) => peopleIn(room.countsOf(channel)) > 0);
    for (const channel of open) this.openedChannels.add(channel);
    this.mostChannels = Math.max(this.mostChannels, open.length);
    const { channelsMax } = this.#scenario;
    if (open.length > channelsMax)
      this.#onViolation(`the room holds ${open.length} channels, and the maximum is ${channelsMax}`);
  }
}
