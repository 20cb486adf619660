import { STORED_PART_ENTRIES } from '../limits';
import { MOODS } from '../moods';
import type { SessionRecord } from './session';

/**
 * Builds the JSON text that `parseSessions` reads, entry by entry. `JSON.stringify` takes more time. Entries are joined in parts,
 * otherwise V8 keeps each entry as a string until the end.
 */
export class SessionsText {
  readonly #parts: string[] = [];
  #entries: string[] = [];
  #chars = 1;

  /** In characters, with the braces. */
  get length(): number {
    return this.#chars + 1;
  }

  /** @param entry A text from `entryText`. */
  add(entry: string): void {
    this.#chars += entry.length + (this.#chars > 1 ? 1 : 0);
    this.#entries.push(entry);
    if (this.#entries.length === STORED_PART_ENTRIES) this.#endPart();
  }

  /** Ends the text. No entry can be added after it. */
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

/**
 * Returns the text of one entry. A key needs no escapes: `sessionKey` builds it from an id and a name that a schema has checked.
 *
 * @param countsLonger Marks the entry with `rests`: see `StoredRecord`.
 */
export function entryText(key: string, { mood, lastSeen }: SessionRecord, countsLonger = false): string {
  return `"${key}${MIDDLE_OF_ENTRY.get(mood)}${lastSeen}${countsLonger ? ',"rests":true}' : '}'}`;
}

/** The text between key and time, by mood. */
const MIDDLE_OF_ENTRY = new Map(
  [null, ...MOODS].map((mood) => [mood, `":{"mood":${JSON.stringify(mood)},"lastSeen":`]),
);

/** Yields the records in texts of at most `charsMax` characters. Without records it yields one text. */
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
