import { STORED_PART_ENTRIES } from '../limits';
import { MOODS } from '../moods';
import type { SessionRecord } from './session';

/**
 * The text that `parseSessions` reads, entry by entry, which is faster than `JSON.stringify`. Entries are joined in parts, otherwise V8
 * keeps each entry as a string until the end.
 */
export class SessionsText {
  readonly #parts: string[] = [];
  #entries: string[] = [];
  #chars = 1;

  /** In characters, with the braces. */
  get length(): number {
    return this.#chars + 1;
  }

  /** @param entry A text of `entryText`. */
  add(entry: string): void {
    this.#chars += entry.length + (this.#chars > 1 ? 1 : 0);
    this.#entries.push(entry);
    if (this.#entries.length === STORED_PART_ENTRIES) this.#endPart();
  }

  /** Nothing can be added after it. */
  toString(): string {
    if (this.#entries.length > 0) this.#endPart();
    return ['{', ...this.#parts, '}'].join('');
  }

  #endPart(): void {
    const comma = this.#parts.length === 0 ? '' : ',';
    this.#parts.push(comma + this.#entries.join(','));
    this.#entries = [];
  }
}

/** The keys need no escapes: `sessionKey` builds them from ids and names that a schema has checked. */
export function entryText(key: string, { mood, lastSeen }: SessionRecord, rests = false): string {
  return `"${key}${MIDDLE_OF_ENTRY.get(mood)}${lastSeen}${rests ? ',"rests":true}' : '}'}`;
}

/** The text between key and time, by mood. */
const MIDDLE_OF_ENTRY = new Map(
  [null, ...MOODS].map((mood) => [mood, `":{"mood":${JSON.stringify(mood)},"lastSeen":`]),
);

/** Records in texts of at most `charsMax` characters; at least one. */
export function* formatInTexts(
  sessions: Iterable<readonly [string, SessionRecord]>,
  charsMax: number,
): Generator<string> {
  let text = new SessionsText();
  for (const [key, record] of sessions) {
    const entry = entryText(key, record);
    // One more for the comma.
    if (text.length > 2 && text.length + entry.length + 1 > charsMax) {
      yield text.toString();
      text = new SessionsText();
    }
    text.add(entry);
  }
  yield text.toString();
}
