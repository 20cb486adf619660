/** Returns a text like `1.23 %`. */
export const percent = (value: number, digits = 2) => `${value.toFixed(digits)} %`;
