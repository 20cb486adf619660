/**
 * Counts the steps of code with Maps and Sets: each read, each change, and each step of a walk. Work that grows with the number of
 * sessions shows in this count. Unlike a time, the count is the same in every run.
 */
export class StepCounter {
  #steps = 0;
  readonly #undo: (() => void)[] = [];

  constructor() {
    for (const prototype of [Map.prototype, Set.prototype]) {
      for (const name of ['get', 'set', 'add', 'has', 'delete', 'forEach']) this.#watch(prototype, name);
    }
    for (const iterator of [new Map().entries(), new Set().values()]) {
      this.#watch(Object.getPrototypeOf(iterator), 'next');
    }
  }

  /** Stops counting. Returns the count. */
  stop(): number {
    for (const undo of this.#undo) undo();
    return this.#steps;
  }

  #watch(prototype: object, name: string): void {
    const method: unknown = Reflect.get(prototype, name);
    if (typeof method !== 'function') return;
    const count = () => {
      this.#steps += 1;
    };
    Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
      count();
      return Reflect.apply(method, this, args);
    });
    this.#undo.push(() => Reflect.set(prototype, name, method));
  }
}
