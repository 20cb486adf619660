import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import {
  RECORDED_AT,
  type RecordedAnswer,
  type RecordedReport,
  type RecordedRoom,
  type Step,
} from '../../support/recording';
import { RealRoom } from '../room/real-room';
import { delivered, RoomClient } from '../room/room-client';
import recording from './1.0-room.json';

const recorded = recording as unknown as RecordedRoom;
type Call = Extract<Step, { do: 'call' }>;

/** Isolates have no timers, as in the recording of 1.0. */
const RUNTIME = { now: () => Date.now(), random: () => 0.5, sleep: () => new Promise<void>(() => undefined) };

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
  vi.setSystemTime(RECORDED_AT);
});
afterEach(() => void vi.useRealTimers());

/** Advances the clock. Unlike with `RealRoom.pass`, a timer that starts meanwhile runs when it is due, as in the recording. */
const pass = (ms: number) => room.inside(() => vi.advanceTimersByTimeAsync(ms).then(() => undefined));

it('a room answers the calls of 1.0 as 1.0 did, and stores the same rows and attachments', async () => {
  const clients: RoomClient[] = [];
  const answers: RecordedAnswer[] = [];
  let epoch: string | undefined;
  for (const step of recorded.steps) {
    if (step.do === 'pass') await pass(step.ms);
    if (step.do === 'open') clients.push(await RoomClient.open(room));
    if (step.do === 'send') await clients[step.socket]?.send(step.message);
    if (step.do !== 'call') continue;
    const answer = await room.stub.sync(messageOf(step.report, epoch));
    epoch ??= answer.version.epoch;
    answers.push(dataOf(answer, 'epoch'));
  }
  expect(answers).toEqual(calls(recorded.steps).map(({ answer }) => answer));
  const stored = await room.inside((state) => ({
    rows: state.storage.sql.exec('SELECT * FROM journal ORDER BY rowid').toArray(),
    attachments: state.getWebSockets().map((socket) => socket.deserializeAttachment()),
  }));
  expect(stored.attachments).toEqual(recorded.attachments);
  // This version broadcasts before it saves, so the counts in its first row are those of that broadcast.
  const [first, ...later] = recorded.rows;
  const told = JSON.stringify({ ...ZERO_COUNTS, gratitude: 1 });
  expect(stored.rows).toEqual([{ ...first, told }, ...later]);
});

it('isolates of this version send the room the same sessions as 1.0 did', async () => {
  const sent: RecordedReport[] = [];
  const sync: Sync = (report) => {
    expect(Object.keys(report).sort()).toEqual(['heard', 'known']);
    sent.push({ heard: Object.fromEntries(report.heard) });
    return room.stub.sync(report);
  };
  const isolates = [startIsolate(sync), startIsolate(sync)];
  for (const step of recorded.steps) {
    const isolate = 'isolate' in step ? isolates[step.isolate] : undefined;
    if (step.do === 'pass') await pass(step.ms);
    if (step.do === 'sync') await isolate?.('/api/presence');
    if (isolate && 'sessionId' in step) {
      const { do: what, sessionId } = step;
      await post(isolate, `/api/${what}`, { sessionId, ...('mood' in step && { mood: step.mood }) });
    }
  }
  const sessionsIn = (reports: readonly RecordedReport[]) =>
    reports.flatMap((report) => Object.entries(report.heard));
  expect(sessionsIn(sent)).toEqual(sessionsIn(calls(recorded.steps).map(({ report }) => report)));
});

it.each([0, 1])(
  'an isolate counts the sessions in the answers that isolate %i of 1.0 received',
  async (index) => {
    const isolate = startIsolate(async () => {
      const answer = answers.shift();
      if (answer === undefined) throw new Error('1.0 gave no further answer.');
      return { ...answer, sessions: new Map(Object.entries(answer.sessions)) } as RoomAnswer;
    });
    const answers = answersTo(index);
    const known = new Map<string, { readonly mood: string | null }>();
    for (const { isAll, sessions } of answersTo(index)) {
      if (isAll) known.clear();
      for (const [id, record] of Object.entries(sessions)) known.set(id, record);
      expect((await (await isolate('/api/presence')).json()) as object).toMatchObject({
        moods: moodsOf(known),
      });
      vi.setSystemTime(Date.now() + 2_000);
    }
    expect(answers).toEqual([]);
  },
);

it('a room with the rows of 1.0 counts their sessions, and no session that has left', async () => {
  await room.inside(({ storage: { sql } }) => restore(sql));
  await restartRoom();
  const { isAll, sessions } = await room.stub.sync({ known: undefined, heard: new Map() });
  expect(isAll).toBe(true);
  expect(moodsOf(sessions)).toEqual(FINAL_MOODS);
  // An old record of the session that has left does not restore it.
  const oldRecord = new Map([[LEFT, { mood: 'release' as const, lastSeen: RECORDED_AT }]]);
  const answer = await room.stub.sync({ known: undefined, heard: oldRecord });
  expect(moodsOf(answer.sessions)).toEqual(FINAL_MOODS);
});

it('a session in the rows of 1.0 ends a TTL after its last heartbeat', async () => {
  await room.inside(({ storage: { sql } }) => restore(sql));
  await restartRoom();
  // The last heartbeats were 5 s after the start. A room ends a session at most 250 ms late.
  await pass(RECORDED_AT + 34_750 - Date.now());
  expect(moodsOf((await room.stub.sync(NOTHING)).sessions)).toMatchObject({ connection: 1 });
  await pass(500);
  expect(moodsOf((await room.stub.sync(NOTHING)).sessions)).toMatchObject({ connection: 0 });
});

it('a socket with an attachment of 1.0 changes its mood, and its close ends its session', async () => {
  const [watcher, owner] = [await RoomClient.open(room), await RoomClient.open(room)];
  await room.inside((state) => {
    restore(state.storage.sql);
    // The platform lists the sockets in the order of the recording.
    for (const [n, socket] of state.getWebSockets().entries())
      socket.serializeAttachment(recorded.attachments[n]);
  });
  await restartRoom();
  await owner.send({ mood: 'gratitude' });
  expect((await room.stub.sync(NOTHING)).sessions.get(JOINED)).toMatchObject({ mood: 'gratitude' });
  await pass(1_000);
  await delivered(room);
  await owner.close();
  expect((await room.stub.sync(NOTHING)).sessions.has(JOINED)).toBe(false);
  expect(watcher.states.map(({ moods }) => moods)).toContainEqual({
    ...FINAL_MOODS,
    release: 0,
    gratitude: 2,
  });
});

const NOTHING = { known: undefined, heard: new Map() };
/** The counts after the last step of the recording. */
const FINAL_MOODS = { gratitude: 1, presence: 0, release: 1, connection: 1 };
const [LEFT, JOINED] = ['00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000003'];

type Sync = RealRoom['stub']['sync'];
type RoomAnswer = Awaited<ReturnType<Sync>>;

/** Starts an isolate that calls `sync` in place of the room. */
const startIsolate = (sync: (...args: Parameters<Sync>) => Promise<RoomAnswer>): Fetch =>
  fetchOf(
    {
      PRESENCE_HUB: 'durable-object',
      NEW_SESSION_LIMIT: 'off',
      PRESENCE_ROOM: { getByName: () => ({ sync }) },
    },
    RUNTIME,
  );

/** Returns the answers that an isolate of 1.0 received, in order. */
function answersTo(isolate: number): RecordedAnswer[] {
  let caller: number | undefined;
  return recorded.steps.flatMap((step) => {
    if ('isolate' in step) caller = step.isolate;
    return step.do === 'call' && caller === isolate ? [step.answer] : [];
  });
}

const calls = (steps: readonly Step[]) => steps.filter((step): step is Call => step.do === 'call');

function messageOf({ known, heard }: RecordedReport, epoch: string | undefined) {
  const sessions = new Map(Object.entries(heard)) as Parameters<Sync>[0]['heard'];
  return { known: known && { ...known, epoch: epoch ?? known.epoch }, heard: sessions };
}

function dataOf(answer: RoomAnswer, epoch: string): RecordedAnswer {
  return {
    ...answer,
    version: { ...answer.version, epoch },
    sessions: Object.fromEntries(answer.sessions),
  };
}

function moodsOf(sessions: ReadonlyMap<string, { readonly mood: string | null }>) {
  const count = (mood: string) => [...sessions.values()].filter((session) => session.mood === mood).length;
  return Object.fromEntries(Object.keys(FINAL_MOODS).map((mood) => [mood, count(mood)]));
}

/** Replaces the rows of the room by those of 1.0. */
function restore(sql: SqlStorage): void {
  sql.exec('CREATE TABLE IF NOT EXISTS journal (saved_at INTEGER, sessions TEXT, told TEXT)');
  sql.exec('DELETE FROM journal');
  for (const { saved_at, sessions, told } of recorded.rows) {
    sql.exec('INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)', saved_at, sessions, told);
  }
}

/** Restarts the room at the time of the last recorded row. */
async function restartRoom(): Promise<void> {
  await room.hibernate();
  vi.setSystemTime(Math.max(...recorded.rows.map(({ saved_at }) => saved_at)));
}
