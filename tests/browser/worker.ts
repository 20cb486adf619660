import { readFileSync } from 'node:fs';
import { inject } from 'vitest';
import type { PresenceState } from '../../src/client/presence';
import type { RunningWorker, WorkerName } from './run-workers';

/** A Worker of this file's own, as `npm run worker:dev` runs it. */
export class Worker {
  readonly #running: RunningWorker;

  constructor(name: WorkerName) {
    this.#running = inject('workers')[name];
  }

  get origin(): string {
    return this.#running.origin;
  }

  /** The requests so far, such as `POST /api/heartbeat 200`. */
  get requests(): readonly string[] {
    const log = readFileSync(this.#running.log, 'utf8');
    return [...log.matchAll(/(?:GET|POST|OPTIONS|HEAD) \/\S* \d{3}/g)].map(([request]) => request);
  }

  async presence(): Promise<PresenceState> {
    return (await fetch(`${this.origin}/api/presence`)).json();
  }
}
