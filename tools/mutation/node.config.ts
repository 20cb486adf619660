import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const platform = join(import.meta.dirname, 'platform.ts');

/** Those that take longest come last: of a mutant that another one kills they need not be run. */
const LAST = [
  'kv-hub-trouble.test.ts',
  'kv-hub-locations.test.ts',
  'session-table-properties.test.ts',
  'new-sessions.test.ts',
  'room-sockets-properties.test.ts',
];

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => LAST.findIndex((name) => moduleId.endsWith(name));
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

/** The tests that need no real Durable Object, in Node on `platform.ts`: many mutants a second. */
export default defineConfig({
  resolve: { alias: { 'cloudflare:workers': platform, 'cloudflare:test': platform } },
  test: {
    pool: 'threads',
    isolate: false,
    sequence: { sequencer: QuickFirst },
    setupFiles: ['tools/mutation/setup.ts'],
    include: ['tests/workerd/**/*.test.ts'],
    exclude: [
      'tests/workerd/room/*.test.ts',
      'tests/workerd/api/live.test.ts',
      'tests/workerd/api/embedding.test.ts',
      // 100,000 requests, or a thousand cases, a test: other tests say the same at less cost.
      'tests/workerd/load/*.test.ts',
    ],
  },
});
