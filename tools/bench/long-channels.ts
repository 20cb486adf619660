/** The name of a channel with 61 to 64 characters, as long as names can be: one of 1,000. */
export const longChannelOf = (n: number): string => `${'n'.repeat(61)}${n % 1_000}`;
