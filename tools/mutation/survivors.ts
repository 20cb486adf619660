/** A mutant that no test kills, and why. */
export interface Survivor {
  readonly file: string;
  /** What stands in the source, all white space made one blank; and what the mutant puts in its place. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

const ONLY_COST = 'the same by more work';
const OTHER_WAY = 'the other way to read a body does as well';
const ONLY_MEMORY = 'Not tested: what is no longer needed stays in memory';
const NEVER_SO = 'for the compiler alone: it is never so';
const UNDEFINED_ALL_THE_SAME = 'without it the answer is undefined as well';

const GUARDS = 'src/api/guards.ts';

/** Mutants that may survive. What is not equivalent says "Not tested". */
// biome-ignore format: one mutant, one line
export const SURVIVORS: readonly Survivor[] = [
  { file: GUARDS, from: '/^(?:application\\/json|text\\/plain)\\s*(?:;[^,]*)?$/i', to: '/^(?:application\\/json|text\\/plain)\\s(?:;[^,]*)?$/i', why: OTHER_WAY },
  { file: GUARDS, from: '/^(?:application\\/json|text\\/plain)\\s*(?:;[^,]*)?$/i', to: '/^(?:application\\/json|text\\/plain)\\s*(?:;[^,]*)$/i', why: OTHER_WAY },
  { file: GUARDS, from: '/^(?:application\\/json|text\\/plain)\\s*(?:;[^,]*)?$/i', to: '/^(?:application\\/json|text\\/plain)\\s*(?:;[^,])?$/i', why: OTHER_WAY },
  { file: GUARDS, from: '/^(?:application\\/json|text\\/plain)\\s*(?:;[^,]*)?$/i', to: '/^(?:application\\/json|text\\/plain)\\s*(?:;[,]*)?$/i', why: OTHER_WAY },
  { file: GUARDS, from: 'own?.replace', to: 'own.replace', why: 'no request can be made here whose Host is no host; tests/hostile sends them' },
  { file: GUARDS, from: '{ return undefined; }', to: '{}', why: UNDEFINED_ALL_THE_SAME },
  { file: GUARDS, from: 'index < list.length', to: 'index <= list.length', why: 'behind the last character stands no comma' },
  { file: GUARDS, from: "Number(raw.headers.get('Content-Length') ?? Number.NaN) <= BODY_BYTES_MAX", to: "Number(raw.headers.get('Content-Length') ?? Number.NaN) < BODY_BYTES_MAX", why: OTHER_WAY },
  { file: GUARDS, from: "Number(raw.headers.get('Content-Length') ?? Number.NaN) <= BODY_BYTES_MAX", to: 'false', why: OTHER_WAY },
  { file: GUARDS, from: "{ return Number(raw.headers.get('Content-Length') ?? Number.NaN) <= BODY_BYTES_MAX; }", to: '{}', why: OTHER_WAY },
  { file: 'src/presence/kv-hub.ts', from: 'this.#elsewhere.expire(old);', to: ';', why: 'counting before the read has let them expire' },
  { file: GUARDS, from: 'isUsual && isShort(c.req)', to: 'false', why: OTHER_WAY },
  { file: GUARDS, from: 'text.length > BODY_BYTES_MAX', to: 'false', why: 'HTTP ends a body at the length that it declares; tests/hostile sends false ones' },
  { file: GUARDS, from: '[]', to: '["Stryker was here"]', why: 'no body is no JSON either way' },
  { file: 'src/presence/stored-sessions.ts', from: 'record.lastSeen > latest', to: 'record.lastSeen >= latest', why: 'where both are equal, so is the result' },
  { file: 'src/api/new-sessions.ts', from: '[]', to: '["Stryker was here"]', why: 'an address without :: has eight groups before it, and the first four count' },
  { file: 'src/api/new-sessions.ts', from: 'tail === undefined', to: 'false', why: 'an address without :: has eight groups, so there are no zeros to add' },
  { file: 'src/api/new-sessions.ts', from: "() => '0'", to: '() => undefined', why: 'a group that is not there is read as 0' },
  { file: 'src/presence/kv-hub.ts', from: 'false', to: 'true', why: 'before the first write no summary is as old as that write' },
  { file: 'src/presence/kv-hub.ts', from: 'listed !== undefined', to: 'true', why: 'nothing is waited for' },
  { file: 'src/presence/kv-hub.ts', from: 'known.heardAt > read.heardAt', to: 'known.heardAt >= read.heardAt', why: 'where both times are equal, both entries are' },
  { file: 'src/presence/live-sockets.ts', from: '[]', to: '["Stryker was here"]', why: 'what is no socket has no guest behind it, and is passed over' },
  { file: 'src/presence/live-sockets.ts', from: 'guest !== undefined', to: 'true', why: NEVER_SO },
  { file: 'src/presence/live-sockets.ts', from: 'this.#sockets.set(socket, undefined);', to: ';', why: 'the socket gets another guest, or is dropped, before anybody looks' },
  { file: 'src/presence/live-sockets.ts', from: 'this.#bySession.delete(guest.sessionId);', to: ';', why: ONLY_MEMORY },
  { file: 'src/presence/live-sockets.ts', from: 'issue?.path', to: 'issue.path', why: NEVER_SO },
  { file: 'src/presence/live-sockets.ts', from: 'issue?.message', to: 'issue.message', why: NEVER_SO },
  { file: 'src/presence/location-summaries.ts', from: 'false', to: 'true', why: 'the first listing is due whatever the interval, and sets it' },
  { file: 'src/presence/location-summaries.ts', from: 'cursor === undefined', to: 'false', why: 'a cursor that is undefined is none; the types want it left out' },
  { file: 'src/presence/location-summaries.ts', from: 'now >= this.#totalUntil', to: 'true', why: ONLY_COST },
  { file: 'src/presence/location-summaries.ts', from: 'summary.data.at > (this.#summaries.get(key)?.at ?? 0)', to: 'summary.data.at >= (this.#summaries.get(key)?.at ?? 0)', why: 'of two summaries of one millisecond either may stand' },
  { file: 'src/presence/lone-hub.ts', from: '{ return false; }', to: '{}', why: 'undefined is no yes either' },
  { file: 'src/presence/lone-hub.ts', from: '{ return undefined; }', to: '{}', why: UNDEFINED_ALL_THE_SAME },
  { file: 'src/presence/parse-json.ts', from: '{ return undefined; }', to: '{}', why: UNDEFINED_ALL_THE_SAME },
  { file: 'src/presence-room.ts', from: 'this.#alarmAt === undefined', to: 'true', why: ONLY_COST },
  { file: 'src/presence-room.ts', from: 'this.#alarmAt !== undefined', to: 'true', why: 'no time is later than one that is undefined' },
  { file: 'src/presence/presence-store.ts', from: 'this.#insist(id);', to: ';', why: 'Not tested: a sync that ends has insisted by itself. It matters after a wait in vain, when a late sync would insist on what was said before it' },
  { file: 'src/presence/presence-store.ts', from: 'known || sync === undefined', to: 'false', why: 'a leave that stands already is only looked at once more' },
  { file: 'src/presence/presence-store.ts', from: 'known || sync === undefined', to: 'known && sync === undefined', why: 'a leave that stands already is only looked at once more' },
  { file: 'src/presence/presence-store.ts', from: 'sync === undefined', to: 'false', why: 'without a sync nobody became known, and an unknown leave changes nothing' },
  { file: 'src/presence/presence-store.ts', from: 'theirs === undefined', to: 'false', why: NEVER_SO },
  { file: 'src/presence/presence-store.ts', from: 'theirs !== undefined', to: 'true', why: 'whom a sync takes out of our own the hub knows' },
  { file: 'src/presence/presence-store.ts', from: 'theirs?.mood', to: 'theirs.mood', why: 'whom a sync takes out of our own the hub knows' },
  { file: 'src/presence/presence-store.ts', from: 'now < until', to: 'now <= until', why: 'after 30 s of failures the telling ends a millisecond later' },
  { file: 'src/presence/room-hub.ts', from: 'record.mood === null || theirs === undefined || overrules(record, theirs)', to: 'true', why: 'telling the room something twice changes nothing' },
  { file: 'src/presence/room-hub.ts', from: 'record.mood === null', to: 'false', why: 'a leave that the room does not know, or not yet, the other two conditions tell' },
  { file: 'src/presence/room-hub.ts', from: 'record.mood === null', to: 'record.mood !== null', why: 'a leave that the room does not know, or not yet, the other two conditions tell' },
  { file: 'src/presence/room-hub.ts', from: 'this.#known === undefined', to: 'false', why: 'where nothing is known there is nothing to forget' },
  { file: 'src/presence/room-hub.ts', from: 'this.#untold.delete(id);', to: ';', why: ONLY_MEMORY },
  { file: 'src/presence/room-hub.ts', from: '[...answer.sessions].filter(([, { mood }]) => mood === null)', to: '[...answer.sessions]', why: 'who is here is found among our own or elsewhere first' },
  { file: 'src/presence/room-hub.ts', from: 'mood === null', to: 'true', why: 'who is here is found among our own or elsewhere first' },
  { file: 'src/presence/room-hub.ts', from: 'mood !== null', to: 'true', why: 'Not tested: who has left is remembered for longer, and counted no more than before' },
  { file: 'src/presence/room-hub.ts', from: 'record.mood === null', to: 'true', why: 'Not tested: it matters to who expires here during the very call that asks for him' },
  { file: 'src/presence/room-journal.ts', from: '[]', to: '["Stryker was here"]', why: 'a row that is none holds nobody, whether it is left out or not' },
  { file: 'src/presence/room-sessions.ts', from: 'this.#step < Math.floor(now / ROOM_EXPIRY_STEP_MS)', to: 'this.#step <= Math.floor(now / ROOM_EXPIRY_STEP_MS)', why: 'who is looked at a step early is looked at again' },
  { file: 'src/presence/room-sessions.ts', from: '[]', to: '["Stryker was here"]', why: 'whom nobody knows does not end' },
  { file: 'src/presence/room-sessions.ts', from: 'this.#waiting.delete(this.#step);', to: ';', why: ONLY_MEMORY },
  { file: 'src/presence/room-sessions.ts', from: 'live === undefined', to: 'false', why: NEVER_SO },
  { file: 'src/presence/room-sessions.ts', from: 'false', to: 'true', why: NEVER_SO },
  { file: 'src/presence/room.ts', from: 'other === undefined || overrules(record, other)', to: 'true', why: 'what is saved later of a session overrules what was saved before' },
  { file: 'src/presence/roster.ts', from: 'until < this.#oldest', to: 'false', why: ONLY_COST },
  { file: 'src/presence/session.ts', from: 'a.lastSeen > b.lastSeen', to: 'a.lastSeen >= b.lastSeen', why: 'they differ here' },
  { file: 'src/presence/session.ts', from: 'mood === null', to: 'false', why: 'null is no mood, so its index is -1' },
];
