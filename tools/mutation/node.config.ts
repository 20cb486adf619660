import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The slowest files run last. They do not run for a mutant that a quick file kills. */
const LAST = ['replica-properties.test.ts', 'room-sockets-properties.test.ts'];

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => LAST.findIndex((name) => moduleId.endsWith(name));
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

/** The tests of the pure rules. They need no platform, so Stryker tests many mutants a second. */
export default defineConfig({
  test: {
    pool: 'threads',
    isolate: false,
    sequence: { sequencer: QuickFirst },
    setupFiles: ['tools/mutation/setup.ts'],
    include: [
      'tests/workerd/presence/**/*.test.ts',
      'tests/workerd/{config,rate-limited-log,runtime}.test.ts',
    ],
    exclude: ['**/{kv-hub,room-hub}*.test.ts'],
  },
});
