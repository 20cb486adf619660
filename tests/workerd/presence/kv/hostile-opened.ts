import { OPENED_CHARS_MAX } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { NO_MAPS } from './no-maps';
import { TIMING } from './scripted-lister';

const CDG = 'presence:sessions:cdg';

/**
 * Returns texts that another app may store in an opened key, each after its name. None adds a session at `now` (ms) in the location
 * with `ownKey`.
 */
export function hostileOpened(ownKey: string, now: number): (readonly [name: string, text: string])[] {
  const summaryOf = (sessions: number, at = now) => ({
    at,
    until: at + TIMING.leaseMs,
    moods: { ...ZERO_COUNTS, release: sessions },
  });
  const summary = summaryOf(5);
  const text = JSON.stringify(summary);
  const entry = (key: string, value: unknown): string => JSON.stringify({ [key]: value });
  return [
    ...NO_MAPS.map(([name = '', value = '']) => [name, value] as const),
    ['an object without its end', `{"${CDG}":${text}`],
    ['a text', JSON.stringify(CDG)],
    ['true', 'true'],
    ['a list of summaries', `[${text}]`],
    ['a list of entries', `[["${CDG}",${text}]]`],
    ['a text that is a character too long', entry(CDG, summary).padEnd(OPENED_CHARS_MAX + 1)],
    ['a __proto__', `{"__proto__":${text}}`],
    ['a __proto__ with a location', `{"__proto__":${entry(CDG, summary)}}`],
    ['a constructor', `{"constructor":${text},"toString":${text}}`],
    ['a number for a summary', entry(CDG, 5)],
    ['a list for a summary', entry(CDG, [summary])],
    ['null for a summary', entry(CDG, null)],
    ['a summary without its end', entry(CDG, { ...summary, until: undefined })],
    ['a summary without moods', entry(CDG, { ...summary, moods: undefined })],
    ['a summary with a negative count', entry(CDG, summaryOf(-5))],
    ['a summary with more sessions than a location has', entry(CDG, summaryOf(1e9))],
    ['a summary with numbers that are too large', `{"${CDG}":{"at":1e999,"until":1e999,"moods":{}}}`],
    ['a summary of the future', entry(CDG, summaryOf(5, now + 60_000))],
    ['a summary that has ended', entry(CDG, summaryOf(5, now - TIMING.leaseMs))],
    ['the own location', entry(ownKey, summary)],
    ['the key without a location', entry('presence:sessions', summary)],
    ['a location in capitals', entry('presence:sessions:CDG', summary)],
    ['a location with a bad name', entry('presence:sessions:cdg:1', summary)],
    ['a location without the prefix', `{"cdg":${text},"":${text}}`],
    ['a key of another app', entry('another-app:cdg', summary)],
  ];
}
