import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { HostileService } from '../../tests/node/hostile/hostile-service';
import { HOSTILE_TABLE } from '../../tests/node/hostile/hostile-table';
import { bundleForNode, bundleForWorkerd } from '../../tests/support/bundle';
import type { OurHub } from '../simulator/scenario';
import type { Fault } from './fault';
import { plant } from './plant';

const LOG_WAIT_MAX_MS = 5_000;

/** Plants the fault, and returns the first complaint of the check that must notice it, or undefined without one. */
export async function complaintAbout(fault: Fault): Promise<string | undefined> {
  const { noticedBy } = fault;
  if ('hostile' in noticedBy) return hostileComplaint(noticedBy.hostile, noticedBy.isLogged === true, fault);
  const violations = await bundledSimulator(fault);
  return (await violations(noticedBy.simulator, noticedBy.seed))[0];
}

/** Returns the invariants that a world breaks. */
type Violations = (hub: OurHub, seed: number) => Promise<readonly string[]>;

/** Bundles the simulator, with the fault if there is one. */
export async function bundledSimulator(fault?: Fault): Promise<Violations> {
  const outfile = outfileOf(fault);
  await bundleForNode('tools/simulator/violations-of.ts', outfile, {
    plugins: fault === undefined ? [] : [plant(fault)],
  });
  const { violationsOf } = (await import(/* @vite-ignore */ outfile)) as Simulator;
  return violationsOf;
}

type Simulator = typeof import('../simulator/violations-of');

async function hostileComplaint(
  category: string,
  isLogged: boolean,
  fault: Fault,
): Promise<string | undefined> {
  const outfile = outfileOf(fault);
  await bundleForWorkerd('src/index.ts', outfile, { plugins: [plant(fault)] });
  const rows = HOSTILE_TABLE.filter((row) => row.category === category);
  for (const variables of new Set(rows.map((row) => row.variables))) {
    const service = new HostileService(outfile, variables);
    try {
      for (const row of rows.filter((row) => row.variables === variables)) {
        const [complaint] = await service.complaints(row);
        if (complaint !== undefined && (!isLogged || (await logs(service)))) return complaint;
      }
    } finally {
      await service.dispose();
    }
  }
  return undefined;
}

/** Whether the Worker logs a line. The log arrives after the answer. */
async function logs(service: HostileService): Promise<boolean> {
  const deadline = Date.now() + LOG_WAIT_MAX_MS;
  while (service.log === '' && Date.now() < deadline) await wait(50);
  return service.log !== '';
}

const outfileOf = (fault: Fault | undefined) =>
  resolve(`dist/faults/${(fault?.name ?? 'none').replaceAll(/\W+/g, '-')}.mjs`);
