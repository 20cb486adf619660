// Apart from the judge, since a setup file imports this before each test file, and most of those observe nothing.

let complaints = new Set<string>();
let judged: Promise<unknown> = Promise.resolve();

/** Keeps the complaints of a judgement, which must not reject, for `takeComplaints`. */
export function keepComplaints(judgement: Promise<readonly string[]>): void {
  const kept = judgement.then((all) => {
    for (const complaint of all) complaints.add(complaint);
  });
  judged = judged.then(() => kept);
}

/** Waits for all judgements. Returns the complaints since the last call, each once. */
export async function takeComplaints(): Promise<readonly string[]> {
  const all = judged;
  judged = Promise.resolve();
  await all;
  const taken = complaints;
  complaints = new Set();
  return [...taken];
}
