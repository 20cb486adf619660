import { expect } from 'vitest';
import { Problem } from '../../../src/api/answer-schemas';
import { PROBLEMS, type ProblemCode } from '../../../src/api/problems';
import { strict } from '../../support/strict';

/** Returns the problem in an answer. The problem must have this code, and no keys but the documented ones. */
export async function problemOf(response: Response, code: ProblemCode): Promise<Problem> {
  const { status, title } = PROBLEMS[code];
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  // Scripts of every origin may read a problem, except those of a refused origin.
  const reader = code === 'origin-not-allowed' ? null : '*';
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(reader);
  const problem = strict(Problem).parse(await response.json());
  expect(problem).toMatchObject({ type: `/docs#${code}`, title, status });
  return problem;
}
