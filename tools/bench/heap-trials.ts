import { spawnSync } from 'node:child_process';

const HEAPS_MB = [48, 64, 80, 96, 128];

/**
 * Runs this command again for each value and each heap, in a child process that gets the value in an environment variable. Returns a
 * row for each run: the value, the heap, whether workerd survives, and the figures that the child prints in its last line.
 */
export function heapTrials(variable: string, column: string, values: readonly string[]) {
  return values.flatMap((value) =>
    HEAPS_MB.map((megabytes) => ({ [column]: value, ...tryHeap({ [variable]: value }, megabytes) })),
  );
}

/** Runs workerd with this heap for each isolate. Without enough heap workerd and the child end. */
function tryHeap(variables: Readonly<Record<string, string>>, megabytes: number) {
  const env = {
    ...process.env,
    ...variables,
    MINIFLARE_WORKERD_V8_FLAGS: `--max-old-space-size=${megabytes}`,
  };
  const { stdout, status } = spawnSync(process.execPath, [process.argv[1] ?? ''], { env });
  const lines = String(stdout).trim().split('\n');
  const figures = status === 0 ? JSON.parse(lines.at(-1) ?? '') : {};
  return { 'heap, MB': megabytes, survives: status === 0, ...figures };
}
