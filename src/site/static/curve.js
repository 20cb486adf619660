// The line of a day. It depends on numbers only, not on the document.

/** Each point is a weighted mean of the steps around it, with this standard deviation. Raw steps look like a comb. */
const SPREAD_STEPS = 3;
const REACH_STEPS = 3 * SPREAD_STEPS;
const WEIGHTS = Array.from({ length: 2 * REACH_STEPS + 1 }, (_, index) =>
  Math.exp(-(((index - REACH_STEPS) / SPREAD_STEPS) ** 2) / 2),
);
const WEIGHT = WEIGHTS.reduce((sum, weight) => sum + weight);
/** The top of the box is at least this number of people. Otherwise one person on a quiet day looks like a crowd. */
const TOP_MIN = 3;

/**
 * SVG paths in a box of the given size: the line of the day, the area below it, and the point of now at its right end.
 *
 * @param counts The most people in each step, the oldest first.
 * @param count The people now. They replace the last step, which still runs.
 */
export function curveOf(counts, count, { width, height }) {
  const means = meansOf([...counts.slice(0, -1), count]);
  const top = Math.max(TOP_MIN, ...means);
  const points = means.map((mean, index) => {
    const x = (index / (means.length - 1)) * width;
    return `${x.toFixed(1)} ${(height * (1 - mean / top)).toFixed(1)}`;
  });
  const line = `M${points.join('L')}`;
  return { line, area: `${line}V${height}H0Z`, now: `M${points.at(-1)}h0` };
}

/** The weighted means. Beyond the ends, the first and the last step repeat. */
function meansOf(counts) {
  const last = counts.length - 1;
  return counts.map((_, step) => {
    const parts = WEIGHTS.map((weight, index) => {
      const at = Math.min(Math.max(step + index - REACH_STEPS, 0), last);
      return weight * counts[at];
    });
    return parts.reduce((sum, part) => sum + part) / WEIGHT;
  });
}
