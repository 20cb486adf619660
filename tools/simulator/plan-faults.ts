import type { Dice } from './dice';
import type { Phases } from './phases';
import type { Scenario } from './scenario';
import type { SimulatedKv } from './simulated-kv';
import type { SimulatedRoom } from './simulated-room';
import type { VirtualTime } from './virtual-time';

const MINUTE = 60_000;

/** Plans when locations are cut off from the hubs, and one outage for all locations before the calm phase. */
export function planFaults(
  time: VirtualTime,
  dice: Dice,
  scenario: Scenario,
  phases: Phases,
  hubs: readonly (SimulatedKv | SimulatedRoom)[],
): void {
  const { cutOff, outageMinutes, locations } = scenario;
  for (let at = phases.start + MINUTE; at < phases.busyUntil; at += MINUTE) {
    for (let location = 0; location < locations; location += 1) {
      if (!dice.chance(cutOff)) continue;
      const until = at + dice.between(1, 4) * MINUTE;
      for (const hub of hubs) time.at(at, () => hub.reach.cutOff(location, until));
    }
  }
  if (outageMinutes === 0) return;
  for (const hub of hubs)
    time.at(phases.busyUntil - outageMinutes * MINUTE, () => hub.reach.failUntil(phases.busyUntil));
}
