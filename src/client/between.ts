/** A random number between two others. Otherwise the clients of a crowd act at the same moment. */
export const between = (min: number, max: number) => min + (max - min) * Math.random();
