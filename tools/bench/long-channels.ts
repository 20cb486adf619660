/** Returns one of 1,000 channel names of 62 to 64 characters. A name has at most 64. */
export const longChannelOf = (n: number): string => `${'n'.repeat(61)}${n % 1_000}`;
