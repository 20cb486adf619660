import { expect, it } from 'vitest';
import {
  answerFromWire,
  answerToWire,
  reportFromWire,
  reportToWire,
} from '../../../../src/presence/room/room-protocol';
import { sessionId } from '../../../support/session-id';
import { record } from './records';

const VERSION = { epoch: 'e', number: 7 };
const SESSIONS = new Map([[sessionId(1), record('presence', 1_000)]]);

it('a report has the keys of version 1.0 on the wire', () => {
  const report = { since: VERSION, updates: SESSIONS };
  expect(reportToWire(report)).toStrictEqual({ known: VERSION, heard: SESSIONS });
  expect(reportFromWire({ known: VERSION, heard: SESSIONS })).toStrictEqual(report);
  const first = { since: undefined, updates: SESSIONS };
  expect(reportToWire(first)).toStrictEqual({ known: undefined, heard: SESSIONS });
  expect(reportFromWire(reportToWire(first))).toStrictEqual(first);
});

it('an answer has the keys of version 1.0 on the wire, and `isFull` only while the room is full', () => {
  const answer = { version: VERSION, isSnapshot: true, sessions: SESSIONS };
  const wire = { version: VERSION, isAll: true, sessions: SESSIONS };
  expect(answerToWire({ ...answer, isFull: false })).toStrictEqual(wire);
  expect(answerToWire({ ...answer, isFull: true })).toStrictEqual({ ...wire, isFull: true });
});

it('an answer of a room of version 1.0, which sends no `isFull`, is that of a room with places', () => {
  const wire = { version: VERSION, isAll: false, sessions: SESSIONS };
  const answer = { version: VERSION, isSnapshot: false, sessions: SESSIONS };
  expect(answerFromWire(wire)).toStrictEqual({ ...answer, isFull: false });
  expect(answerFromWire({ ...wire, isFull: true })).toStrictEqual({ ...answer, isFull: true });
});

it('a report and an answer hold only the mood and the time of each record', () => {
  const stored = new Map([[sessionId(1), { ...record('presence', 1_000), expiresAt: 2_000, step: 3 }]]);
  expect(reportToWire({ since: VERSION, updates: stored }).heard).toStrictEqual(SESSIONS);
  const answer = { version: VERSION, isSnapshot: true, sessions: stored, isFull: false };
  expect(answerToWire(answer).sessions).toStrictEqual(SESSIONS);
});
