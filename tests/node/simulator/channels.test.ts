import { describe, expect, it, vi } from 'vitest';
import type { Room } from '../../../src/presence/room/room';
import type { WireAnswer, WireReport } from '../../../src/presence/room/room-protocol';
import { type Mood, ZERO_COUNTS } from '../../../src/presence/session';
import { AnswerJudge } from '../../../tools/simulator/answer-judge';
import { boundsOf } from '../../../tools/simulator/bounds';
import { RoomInvariants } from '../../../tools/simulator/room-invariants';
import { Scenario, type ScenarioOptions } from '../../../tools/simulator/scenario';
import { simulate } from '../../../tools/simulator/simulate';

vi.setConfig({ testTimeout: 60_000 });

const scenarioOf = (options: ScenarioOptions) => Scenario.parse({ hub: 'durable-object', ...options });
const run = (options: ScenarioOptions) => simulate(scenarioOf(options));

describe('worlds', () => {
  it.each([
    { world: 'three channels', options: { channels: 3 } },
    {
      world: 'tabs that hop between channels, a room that restarts, and isolates that are evicted',
      options: { channels: 10, tabs: 0.5, hop: 0.2, move: 0.05, restart: 0.02, evict: 0.01, locations: 3 },
    },
  ])('a world keeps every invariant in each channel: $world', async ({ options }) => {
    const crowd = { people: 40, watchers: 6, stayMinutes: 3, minutes: 4, calmMinutes: 2, goneMinutes: 2 };
    const result = await run({ ...crowd, ...options });
    expect(result).toMatchObject({
      violations: [],
      failedRequests: 0,
      refusedHeartbeats: 0,
      mostChannels: options.channels,
    });
  });

  it('one isolate counts each channel exactly, also for sessions in two channels', async () => {
    const crowd: ScenarioOptions = { people: 30, watchers: 5, isolates: 1, stayMinutes: 3, minutes: 5 };
    const result = await run({ ...crowd, channels: 5, tabs: 0.5, hop: 0.1 });
    expect(result).toMatchObject({ meanErrorPercent: 0, p99ErrorPercent: 0, violations: [] });
  });

  it('a world reaches the maximum of channels and refuses more, but no session of a listed channel', async () => {
    const crowd: ScenarioOptions = { people: 16, isolates: 4, stayMinutes: 2, restart: 0.01, minutes: 3 };
    const channels: ScenarioOptions = { channels: 32, channelsListed: 2, channelsMax: 5, hop: 0.2 };
    const result = await run({ ...crowd, ...channels, channelSpread: 'even' });
    expect(result).toMatchObject({ violations: [], mostChannels: 5 });
    expect(result.refusedHeartbeats).toBeGreaterThan(0);
    // The result has the accuracy of the channels without refusals.
    expect(result.meanErrorPercent).toBeLessThan(1);
    // A channel without sessions leaves its place to another one.
    expect(result.openedChannels).toBeGreaterThan(10);
  });

  it('a world without named channels ignores the other options of channels', async () => {
    const crowd = { people: 20, minutes: 2, tabs: 0.5, seed: 3 };
    const others = { channelsListed: 3, channelsMax: 1, channelSpread: 'even', hop: 0.5 } as const;
    const result = await run({ ...crowd, ...others });
    expect(result).toEqual(await run(crowd));
    // The same figure as before named channels existed.
    expect(result.requestsPerSecond).toBe(2.825);
  });
});

it.each(['kv', 'shared-key', 'key-per-session'] as const)(
  'a scenario refuses named channels with %s, because only the room has them',
  (hub) => {
    const { error } = Scenario.safeParse({ hub, channels: 1 });
    expect(error?.issues).toMatchObject([
      { path: ['channels'], message: expect.stringContaining('needs --hub') },
    ]);
  },
);

describe('AnswerJudge', () => {
  const ID = '11111111-1111-4111-8111-111111111111';
  const START = 1_000_000;

  /**
   * One session sends heartbeats in `c4`, at the start and `againMs` later. Returns the violations in these counts of a channel after a
   * minute.
   */
  function wrongIn(
    channel: string,
    moods: Partial<Record<Mood, number>>,
    options: ScenarioOptions = {},
    againMs = 0,
  ): readonly string[] {
    const scenario = scenarioOf({ channels: 4, locations: 2, ttlSeconds: 120, ...options });
    const violations: string[] = [];
    const end = START + 600_000;
    const judge = new AnswerJudge({
      scenario,
      phases: { start: START, measuredFrom: START, busyUntil: end, calmUntil: end, goneUntil: end },
      bounds: boundsOf(scenario),
      onViolation: (what) => violations.push(what),
    });
    for (const at of [START, START + againMs]) judge.oracleOf('c4').heartbeat(ID, 'release', 0, 0, {}, at);
    const counts = { ...ZERO_COUNTS, ...moods };
    const now = START + 60_000;
    const count = Object.values(counts).reduce((sum, people) => sum + people, 0);
    const state = { count, moods: counts, timestamp: now };
    judge.judge({ channel, state, place: { location: 1, isolate: 0 }, callerMood: undefined }, now);
    return violations;
  }

  it('the judge accepts a session in its channel and in no other one', () => {
    expect(wrongIn('c4', { release: 1 })).toEqual([]);
    expect(wrongIn('c3', {})).toEqual([]);
    expect(wrongIn('', {})).toEqual([]);
  });

  it.each(['c3', ''])("the judge reports a session that another channel counts: '%s'", (channel) => {
    expect(wrongIn(channel, { release: 1 })).toEqual([expect.stringContaining('counts an ended session')]);
  });

  it('the judge reports a session that its channel lacks', () => {
    expect(wrongIn('c4', {})).toEqual([expect.stringMatching(/^in c4: .* lacks a session/)]);
  });

  it('the judge accepts that a channel lacks a session that the room may have refused', () => {
    expect(wrongIn('c4', {}, { channelsMax: 3 })).toEqual([]);
  });

  it('the judge accepts that a channel lacks a session that hopped back near the end of its TTL', () => {
    expect(wrongIn('c4', {}, { hop: 0.1 }, 58_000)).toEqual([]);
    expect(wrongIn('c4', {}, { hop: 0.1 }, 10_000)).toHaveLength(1);
    expect(wrongIn('c4', {}, {}, 58_000)).toHaveLength(1);
  });
});

it('a session may expire later by the time that its first heartbeat waited for the limiter', () => {
  const bounds = (limiterMs: number) =>
    boundsOf(scenarioOf({ ttlSeconds: 2, beatSeconds: 0.667, limiterMs }));
  expect(bounds(1_000).homeCountedMs).toBeGreaterThanOrEqual(2_000 + 250 + 1_000);
  expect(bounds(0).homeCountedMs).toBeLessThan(3_000);
});

describe('RoomInvariants', () => {
  const ID = '22222222-2222-4222-8222-222222222222';
  const RECORD = { mood: 'presence', lastSeen: 1 } as const;
  const NO_SESSIONS = new Map();
  const ROOM: Pick<Room, 'countsOf'> = { countsOf: () => ZERO_COUNTS };

  /** A session is in the default channel, and one in `lobby`. Returns the violations in a call. */
  function wrongWith(
    report: Partial<WireReport>,
    answer: Partial<WireAnswer>,
    room = ROOM,
  ): readonly string[] {
    const violations: string[] = [];
    const scenario = scenarioOf({ channels: 4, channelsListed: 1, channelsMax: 2 });
    const invariants = new RoomInvariants(scenario, (what) => violations.push(what));
    invariants.visit('', ID);
    invariants.visit('lobby', ID);
    const version = { epoch: '1', number: 1 };
    invariants.judge(
      { known: undefined, heard: NO_SESSIONS, ...report },
      { version, isAll: false, sessions: NO_SESSIONS, ...answer },
      room,
    );
    return violations;
  }

  const inDefault = new Map([[ID, RECORD]]);
  const inLobby = new Map([[`lobby/${ID}`, RECORD]]);

  it('the invariants of the room accept each session under the key of its channel', () => {
    const wire = { channels: inLobby };
    expect(wrongWith({ ...wire, heard: inDefault }, { ...wire, sessions: inDefault })).toEqual([]);
  });

  it.each([
    ['a report sends a session of a channel among those of the default one', { heard: inLobby }, {}],
    ['an answer sends a session of a channel among those of the default one', {}, { sessions: inLobby }],
    ['a report sends a session of the default channel as one of a channel', { channels: inDefault }, {}],
    ['an answer sends a session under another channel', {}, { channels: new Map([[`hall/${ID}`, RECORD]]) }],
  ])('the invariants of the room report that %s', (_name, report, answer) => {
    expect(wrongWith(report, answer)).toEqual([expect.stringContaining('which never visited that channel')]);
  });

  it('the invariants of the room report one channel more than the maximum, without listed ones', () => {
    const withSessions = (closed: string) => ({
      countsOf: (channel: string) => ({ ...ZERO_COUNTS, presence: channel === closed ? 0 : 1 }),
    });
    // The first name is the listed one.
    expect(wrongWith({}, {}, withSessions('constructor'))).toEqual([
      'the room holds 3 channels, and the maximum is 2',
    ]);
    expect(wrongWith({}, {}, withSessions('c4'))).toEqual([]);
  });
});
