import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';
import { openApiDocument } from '../../src/api/openapi';
import { Conformance } from './conformance';

/**
 * Judges what the tests have observed: every answer must be as docs/openapi.json has it, and after a whole run every answer
 * that stands there must have been observed. Otherwise the run has failed.
 */
export default class ConformanceReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunEnd(
    modules: readonly TestModule[],
    _errors: unknown,
    reason: TestRunEndReason,
  ): Promise<void> {
    const vitest = this.#vitest;
    if (vitest === undefined) return;
    const conformance = new Conformance(openApiDocument());
    let answers = 0;
    const complaints = new Set<string>();
    const tests = modules.flatMap(({ children }) => [...children.allTests()]);
    for (const test of tests) {
      for (const observation of test.meta().observations ?? []) {
        answers += 1;
        const { method, path } = observation;
        for (const complaint of conformance.complaints(observation))
          complaints.add(
            `${method} ${path}: ${complaint}, in ${test.module.relativeModuleId} > ${test.fullName}`,
          );
      }
    }
    const isWhole =
      vitest.config.project.length === 0 &&
      reason === 'passed' &&
      tests.every((test) => test.result().state === 'passed') &&
      modules.length === (await vitest.globTestSpecifications()).length;
    const missing = isWhole ? conformance.unobserved : [];
    for (const complaint of complaints) vitest.logger.error(` × not as documented: ${complaint}`);
    for (const answer of missing) vitest.logger.error(` × documented, but never observed: ${answer}`);
    if (complaints.size + missing.length > 0) process.exitCode = 1;
    else
      vitest.logger.log(
        ` OpenAPI  ${answers} kinds of answers, all as documented${isWhole ? '; all that is documented was observed' : ''}`,
      );
  }
}
