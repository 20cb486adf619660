/** Returns a text like `$1.23`. From `wholeFrom` dollars on the text has no cents. */
export const dollars = (value: number, wholeFrom = 100) => `$${value.toFixed(value < wholeFrom ? 2 : 0)}`;
