/** Whether a location reaches a hub. An outage has all locations, a cut-off has one. Times are in ms. */
export class Reachability {
  readonly #cutOffUntil: number[];
  #outageUntil = 0;

  constructor(locations: number) {
    this.#cutOffUntil = Array.from({ length: locations }, () => 0);
  }

  failUntil(end: number): void {
    this.#outageUntil = end;
  }

  cutOff(location: number, end: number): void {
    this.#cutOffUntil[location] = end;
  }

  heal(): void {
    this.#outageUntil = 0;
    this.#cutOffUntil.fill(0);
  }

  isReached(location: number, now: number): boolean {
    return now >= Math.max(this.#outageUntil, this.#cutOffUntil[location] ?? 0);
  }
}
