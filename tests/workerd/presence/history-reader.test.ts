import { beforeEach, describe, expect, it } from 'vitest';
import { HISTORY_INTERVAL_MS, HISTORY_KEPT_MS, HISTORY_WAIT_MAX_MS } from '../../../src/limits';
import type { History } from '../../../src/presence/history';
import { HistoryReader } from '../../../src/presence/history-reader';
import { HistorySteps } from '../../../src/presence/room/history-steps';
import { FakeRuntime, settle } from '../../support/fake-runtime';

let runtime: FakeRuntime;
let questions: number;
let reports: string[];
/** The room's answer to each question. */
let answer: () => Promise<unknown>;
let deferred: Promise<void>[];
let reader: HistoryReader;

const historyOf = (visits: number): History => {
  const steps = new HistorySteps([]);
  steps.addVisits(visits, runtime.now());
  return steps.answer(runtime.now());
};
const read = () => reader.read((task) => void deferred.push(task));
const visits = async () => (await read())?.visits;

beforeEach(() => {
  runtime = new FakeRuntime();
  questions = 0;
  reports = [];
  deferred = [];
  answer = async () => historyOf(questions);
  const history = () => {
    questions += 1;
    return answer();
  };
  const report = (what: string) => void reports.push(what);
  reader = new HistoryReader({ room: () => ({ history }), runtime, report });
});

describe('history of an isolate', () => {
  it('1,000 requests within a minute share one question to the room, also while it runs', async () => {
    const together = await Promise.all(Array.from({ length: 1_000 }, visits));
    expect(new Set(together)).toEqual(new Set([1]));
    await runtime.advance(HISTORY_INTERVAL_MS - 1);
    expect(await visits()).toBe(1);
    expect(questions).toBe(1);
    await runtime.advance(1);
    expect(await visits()).toBe(2);
    expect(questions).toBe(2);
  });

  it('the reader sends no question to the room without a request', async () => {
    await read();
    await runtime.advance(10 * HISTORY_INTERVAL_MS);
    expect(questions).toBe(1);
  });

  it('the reader defers each question once, so the question outlives its request', async () => {
    await Promise.all([read(), read()]);
    expect(deferred).toHaveLength(1);
  });

  it('the reader sends a question a minute to a failing room, and returns the last history for five minutes', async () => {
    await read();
    answer = () => Promise.reject(new Error('overloaded'));
    for (let minute = 1; minute < HISTORY_KEPT_MS / HISTORY_INTERVAL_MS; minute += 1) {
      await runtime.advance(HISTORY_INTERVAL_MS);
      expect([await visits(), await visits()]).toEqual([1, 1]);
      expect(questions).toBe(1 + minute);
    }
    await runtime.advance(HISTORY_INTERVAL_MS);
    expect(await read()).toBeUndefined();
    expect(reports).toContain('the room did not send its history');
    answer = async () => historyOf(7);
    await runtime.advance(HISTORY_INTERVAL_MS);
    expect(await visits()).toBe(7);
  });

  it.each([
    ['nothing', undefined],
    ['another object', { counts: [] }],
    ['too few counts', () => ({ ...historyOf(1), counts: [1, 2] })],
    ['a negative number of visits', () => ({ ...historyOf(1), visits: -1 })],
  ])('the reader returns no history if the room sends %s', async (_what, sent) => {
    answer = async () => (typeof sent === 'function' ? sent() : sent);
    expect(await read()).toBeUndefined();
  });

  it('the reader returns no history of a room of version 1.0, whose stub lacks the method', async () => {
    answer = () => {
      throw new TypeError('The RPC receiver does not implement the method "history".');
    };
    expect(await read()).toBeUndefined();
  });

  it('requests wait for a room that hangs until 5 s after the question, and later ones do not wait', async () => {
    await read();
    await runtime.advance(HISTORY_INTERVAL_MS);
    answer = () => new Promise(() => undefined);
    let answered = 0;
    void read().then(() => (answered += 1));
    await runtime.advance(HISTORY_WAIT_MAX_MS - 1);
    void read().then(() => (answered += 1));
    await settle();
    expect(answered).toBe(0);
    await runtime.advance(1);
    expect(answered).toBe(2);
    expect(await visits()).toBe(1);
    expect(questions).toBe(2);
  });

  it('a late answer to an earlier question does not replace a newer one', async () => {
    let answerLate: (history: History) => void = () => undefined;
    answer = () =>
      new Promise((resolve) => {
        answerLate = resolve;
      });
    const first = read();
    const late = historyOf(1);
    await runtime.advance(HISTORY_INTERVAL_MS);
    expect(await first).toBeUndefined();
    answer = async () => historyOf(2);
    expect(await visits()).toBe(2);
    answerLate(late);
    await settle();
    expect(await visits()).toBe(2);
  });

  it('the reader sends a new question after the clock steps back by a minute', async () => {
    await read();
    await runtime.advance(-HISTORY_INTERVAL_MS);
    expect(await visits()).toBe(2);
  });
});
