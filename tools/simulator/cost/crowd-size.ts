/** The assumed locations of crowds, and isolates in each location. */
export const SIZES = [
  { people: 5, locations: 1, isolates: 1 },
  { people: 20, locations: 2, isolates: 1 },
  { people: 100, locations: 10, isolates: 1 },
  { people: 300, locations: 10, isolates: 2 },
  { people: 1_000, locations: 10, isolates: 3 },
  { people: 3_000, locations: 30, isolates: 4 },
] as const;
export type Size = (typeof SIZES)[number];

/** Returns the smallest size that is no smaller than the crowd, otherwise the largest. */
export const sizeOf = (people: number): Size => SIZES.find((size) => people <= size.people) ?? SIZES[5];
