import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate } from './deployment';
import type { Version } from './test-protocol';
import { expectMoods, live, type Moods, type Visit } from './visits';

export const [ANNA, BEN, CARL, DORA] = [sessionId(1), sessionId(2), sessionId(3), sessionId(4)];

/** A session expires within these rounds after its last heartbeat. */
export const TTL_ROUNDS = 33;
/** The room saves its changes every 5 s. */
export const SAVE_ROUNDS = 6;

/** A room, an isolate of 1.0, and two isolates of today with the channels `lobby` and `post-*`. */
export class ChannelSite {
  readonly deployment: Deployment;
  readonly old: Isolate;
  readonly here: Isolate;
  readonly there: Isolate;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
    this.old = deployment.isolate('1.0');
    this.here = deployment.isolate('today');
    this.there = deployment.isolate('today');
  }

  /** The visits at the start of most tests. Anna has a session in two channels, at two isolates. */
  get visits(): readonly Visit[] {
    const { old, here, there } = this;
    return [
      [old, ANNA, 'gratitude'],
      [here, BEN, 'release'],
      [here, ANNA, 'presence', 'lobby'],
      [there, CARL, 'connection', 'lobby'],
      [there, DORA, 'connection', 'post-7'],
    ];
  }

  live(rounds: number, visits: readonly Visit[] = []): Promise<void> {
    return live(this.deployment, [this.old, this.here, this.there], rounds, visits);
  }

  /** The object hibernates, and the next event constructs a room of that version. */
  async switchTo(version: Version): Promise<void> {
    await this.deployment.deployRoom(version);
    await this.deployment.hibernate();
    expect((await this.deployment.room()).version).toBe(version);
  }

  /** Expects that isolates of both versions, also fresh ones, count these moods in the default channel and no others. */
  expectDefault(moods: Moods): Promise<void> {
    const { deployment, old, here, there } = this;
    return expectMoods([old, here, there, deployment.isolate('1.0'), deployment.isolate('today')], moods);
  }

  /** Expects that all isolates of today, also a fresh one, count these moods in a named channel and no others. */
  expectChannel(channel: string, moods: Moods): Promise<void> {
    const { deployment, here, there } = this;
    return expectMoods([here, there, deployment.isolate('today')], moods, channel);
  }
}

/** Starts a deployment with a room of that version. Returns a function that returns the site of the running test. */
export function useChannelSite(room: Version): () => ChannelSite {
  let deployment: Deployment;
  let site: ChannelSite;
  beforeAll(() => {
    deployment = new Deployment(room, 'lobby, post-*');
  });
  afterAll(() => deployment.dispose());
  beforeEach(async () => {
    await deployment.deployRoom(room);
    await deployment.reset();
    site = new ChannelSite(deployment);
  });
  return () => site;
}
