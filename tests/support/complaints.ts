// Does not import the comparison: a setup file imports this file before each test file, and most tests observe nothing.

let complaints = new Set<string>();
let compared: Promise<unknown> = Promise.resolve();

/** Keeps the complaints of a comparison for `takeComplaints`. The promise must not reject. */
export function keepComplaints(comparison: Promise<readonly string[]>): void {
  const kept = comparison.then((all) => {
    for (const complaint of all) complaints.add(complaint);
  });
  compared = compared.then(() => kept);
}

/** Waits for all comparisons. Returns the different complaints since the last call. */
export async function takeComplaints(): Promise<readonly string[]> {
  const all = compared;
  compared = Promise.resolve();
  await all;
  const taken = complaints;
  complaints = new Set();
  return [...taken];
}
