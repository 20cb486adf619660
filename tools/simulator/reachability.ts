/** Whether a hub can be reached: it may be away for everybody, and one location may be cut off from it. Times in ms. */
export class Reachability {
  readonly #cutOffUntil: number[];
  #awayUntil = 0;

  constructor(locations: number) {
    this.#cutOffUntil = Array.from({ length: locations }, () => 0);
  }

  awayUntil(end: number): void {
    this.#awayUntil = end;
  }

  cutOff(location: number, end: number): void {
    this.#cutOffUntil[location] = end;
  }

  heal(): void {
    this.#awayUntil = 0;
    this.#cutOffUntil.fill(0);
  }

  holds(location: number, now: number): boolean {
    return now >= Math.max(this.#awayUntil, this.#cutOffUntil[location] ?? 0);
  }
}
