import { REORDERED_MS } from './bounds';
import type { Request, Sender } from './crowd';
import type { Dice } from './dice';
import type { Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

/** The range of the time that a request takes to arrive (ms). */
const ARRIVAL_MS = [5, 100] as const;

/** Called with each request that arrives, and the location from which its client sent it. */
type Arrive = (sender: Sender, location: number, request: Request) => void;

/** The network between clients and the service. It loses, duplicates and reorders requests by the chances of the scenario. */
export class Network {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #scenario: Scenario;
  readonly #arrive: Arrive;
  #areFaultsOn = true;

  constructor(time: VirtualTime, dice: Dice, scenario: Scenario, arrive: Arrive) {
    this.#time = time;
    this.#dice = dice;
    this.#scenario = scenario;
    this.#arrive = arrive;
  }

  heal(): void {
    this.#areFaultsOn = false;
  }

  send(sender: Sender, request: Request): void {
    const { lose, duplicate, reorder } = this.#scenario;
    const isLost = this.#dice.chance(lose) && this.#areFaultsOn;
    const copies = this.#dice.chance(duplicate) && this.#areFaultsOn ? 2 : 1;
    const { location } = sender;
    for (let copy = 0; copy < (isLost ? 0 : copies); copy += 1) {
      const isLate = this.#dice.chance(reorder) && this.#areFaultsOn;
      const late = isLate ? this.#dice.between(0, REORDERED_MS) : 0;
      this.#time.after(this.#dice.between(...ARRIVAL_MS) + late, () =>
        this.#arrive(sender, location, request),
      );
    }
  }
}
