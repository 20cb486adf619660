import { median } from './median';
import { percentile } from './percentile';
import type { Load } from './running-app';

/** The loads of each contender by its name: for each round the loads of its turns. */
export type Loads = ReadonlyMap<string, readonly Round[]>;

type Round = readonly Load[];

export interface Measured {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
  readonly p99Ms: number;
}

/** The medians of all turns of each contender. The p99 is a median of rounds, since a short turn has few slow responses. */
export function mediansOf(loads: Loads): readonly Measured[] {
  return [...loads].map(([name, rounds]) => ({
    name,
    requestsPerSecond: Math.round(median(rounds.flat().map((load) => load.requestsPerSecond))),
    cpuMicroseconds: Number(median(rounds.flat().map((load) => load.cpuMicroseconds)).toFixed(1)),
    p99Ms: Number(median(rounds.map(p99Of)).toFixed(1)),
  }));
}

/** The requests that `name` serves in the CPU time of one request to `other`, for each round that both have. */
export const speedRatios = (loads: Loads, name: string, other: string): readonly number[] =>
  byRound(loads, name, other, (turns, otherTurns) => {
    const [own, others] = [turns, otherTurns].map((all) => all.map((load) => load.cpuMicroseconds));
    if (own === undefined || others === undefined) return Number.NaN;
    // Contenders of different races can have different numbers of turns.
    if (own.length !== others.length) return median(others) / median(own);
    return median(own.map((value, turn) => (others[turn] ?? Number.NaN) / value));
  });

/** The p99 of `name` ÷ the p99 of `other`, for each round that both have. */
export const p99Ratios = (loads: Loads, name: string, other: string): readonly number[] =>
  byRound(loads, name, other, (turns, otherTurns) => p99Of(turns) / p99Of(otherTurns));

const p99Of = (turns: Round) =>
  percentile(
    turns.flatMap(({ responseMs }) => responseMs),
    0.99,
  );

function byRound(
  loads: Loads,
  name: string,
  other: string,
  ratioOf: (turns: Round, otherTurns: Round) => number,
): readonly number[] {
  const others = loads.get(other) ?? [];
  const rounds = loads.get(name) ?? [];
  return rounds.slice(0, others.length).map((turns, round) => ratioOf(turns, others[round] ?? []));
}
