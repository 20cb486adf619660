import { expect, it } from 'vitest';
import {
  answerFromWire,
  answerToWire,
  channelOfUrl,
  reportFromWire,
  reportToWire,
  urlOfChannel,
  type WireReport,
} from '../../../../src/presence/room/room-protocol';
import { sessionId } from '../../../support/session-id';
import { record } from './records';

const VERSION = { epoch: 'e', number: 7 };
const SESSIONS = new Map([[sessionId(1), record('presence', 1_000)]]);

const NAMED = new Map([[`lobby/${sessionId(1)}`, record('release', 2_000)]]);
const BOTH = new Map([...SESSIONS, ...NAMED]);

it('a report without channels has the keys of version 1.0 on the wire', () => {
  const report = { since: VERSION, updates: SESSIONS, wantsChannels: false };
  expect(reportToWire(report)).toStrictEqual({ known: VERSION, heard: SESSIONS });
  expect(readReport(reportToWire(report))).toEqual(report);
  const first = { since: undefined, updates: SESSIONS, wantsChannels: false };
  expect(reportToWire(first)).toStrictEqual({ known: undefined, heard: SESSIONS });
  expect(readReport(reportToWire(first))).toEqual(first);
});

it('a report with channels holds their sessions under a key of their own', () => {
  const report = { since: VERSION, updates: BOTH, wantsChannels: true };
  expect(reportToWire(report)).toStrictEqual({ known: VERSION, heard: SESSIONS, channels: NAMED });
  expect(readReport(reportToWire(report))).toEqual(report);
});

it('an answer has the keys of version 1.0 on the wire, and `isFull` only while the room is full', () => {
  const answer = { version: VERSION, isSnapshot: true, sessions: SESSIONS, includesChannels: false };
  const wire = { version: VERSION, isAll: true, sessions: SESSIONS };
  expect(answerToWire({ ...answer, isFull: false })).toStrictEqual(wire);
  expect(answerToWire({ ...answer, isFull: true })).toStrictEqual({ ...wire, isFull: true });
});

it('an answer holds sessions of channels only for a replica that asked for them, under a key of their own', () => {
  const answer = { version: VERSION, isSnapshot: true, sessions: BOTH, isFull: false };
  const wire = { version: VERSION, isAll: true, sessions: SESSIONS };
  expect(answerToWire({ ...answer, includesChannels: false })).toStrictEqual(wire);
  const withChannels = { ...answer, includesChannels: true };
  expect(answerToWire(withChannels)).toStrictEqual({ ...wire, channels: NAMED });
  expect(answerFromWire(answerToWire(withChannels))).toStrictEqual(withChannels);
});

it('an answer without the newer keys is read as one of a room that is not full and has no channels', () => {
  const wire = { version: VERSION, isAll: false, sessions: SESSIONS };
  const answer = { version: VERSION, isSnapshot: false, sessions: SESSIONS, includesChannels: false };
  expect(answerFromWire(wire)).toStrictEqual({ ...answer, isFull: false });
  expect(answerFromWire({ ...wire, isFull: true })).toStrictEqual({ ...answer, isFull: true });
});

it('a report and an answer hold only the mood and the time of each record', () => {
  const stored = new Map([[sessionId(1), { ...record('presence', 1_000), expiresAt: 2_000, step: 3 }]]);
  const report = { since: VERSION, updates: stored, wantsChannels: false };
  expect(reportToWire(report).heard).toStrictEqual(SESSIONS);
  const answer = {
    version: VERSION,
    isSnapshot: true,
    sessions: stored,
    isFull: false,
    includesChannels: false,
  };
  expect(answerToWire(answer).sessions).toStrictEqual(SESSIONS);
});

function readReport(wire: WireReport) {
  const { updates, ...others } = reportFromWire(wire);
  return { ...others, updates: new Map(updates) };
}

it.each(['', 'lobby', 'constructor', 'a.b', 'n'.repeat(64)])(
  'the address of a socket contains its channel: %j',
  (channel) => {
    expect(channelOfUrl(urlOfChannel(channel))).toBe(channel);
  },
);

it.each(['http://localhost/api/live', 'http://room/', 'http://room/lobby', 'http://room/channels/-x'])(
  'a socket with any other address is in the default channel, as in version 1.0: %s',
  (url) => {
    expect(channelOfUrl(url)).toBe('');
  },
);
