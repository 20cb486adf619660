import { MOODS } from '../../src/moods';
import { formatSessions } from '../../tests/support/format-sessions';
import { sessionId } from '../../tests/support/session-id';
import { progress } from '../progress';
import type { LoadLength } from './http-connections';
import type { Loads } from './loads';
import { type AppOptions, type Asking, type Load, startApps } from './running-app';

/** An app, the request that the bench sends to it, and the number of its sessions. */
export interface Contender extends AppOptions {
  readonly name: string;
  readonly asking: Asking;
  readonly sessions: number;
  /** Whether a stored value gives the app its sessions. Other apps get theirs by heartbeats. */
  readonly isStored: boolean;
}

/** Contenders in one workerd. In each round each contender has this number of turns. */
export interface Race {
  readonly contenders: readonly Contender[];
  readonly warmUp: LoadLength;
  readonly turn: LoadLength;
  readonly turns: number;
}

/**
 * Runs each race once a round. Each round has a fresh workerd, because two instances of one app differ by up to a fifth. The contenders of a race take turns, forwards and backwards. Otherwise a disturbance of the machine slows one of them.
 */
export async function runRaces(what: string, races: readonly Race[], rounds: number): Promise<Loads> {
  const loads = new Map<string, (readonly Load[])[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const race of races) {
      for (const [name, turns] of await runRace(race, round)) {
        loads.set(name, [...(loads.get(name) ?? []), turns]);
      }
    }
    progress(what, round + 1, rounds);
  }
  return loads;
}

/** Returns the turns of each contender. */
async function runRace(
  { contenders, warmUp, turn, turns }: Race,
  round: number,
): Promise<ReadonlyMap<string, readonly Load[]>> {
  const { apps, dispose } = await startApps(contenders);
  const entrants = contenders.flatMap((contender, index) => {
    const app = apps[index];
    return app === undefined ? [] : [{ ...contender, app, loads: [] as Load[] }];
  });
  try {
    for (const { app, asking, sessions, isStored } of entrants) {
      if (isStored) await app.store('presence:sessions', crowd(sessions));
      else await app.fill(sessions);
      await app.load(asking, sessions, warmUp);
    }
    for (let n = 0; n < turns; n += 1) {
      const isForward = (round + n) % 2 === 0;
      for (const { app, asking, sessions, loads } of isForward ? entrants : entrants.toReversed()) {
        loads.push(await app.load(asking, sessions, turn));
      }
    }
  } finally {
    await dispose();
  }
  return new Map(entrants.map(({ name, loads }) => [name, loads]));
}

function crowd(sessions: number): string {
  const now = Date.now();
  const mood = (n: number) => MOODS[n % MOODS.length] ?? null;
  return formatSessions(
    new Map(Array.from({ length: sessions }, (_, n) => [sessionId(n), { mood: mood(n), lastSeen: now }])),
  );
}
