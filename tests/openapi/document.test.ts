import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../src/api/openapi';

const document = openApiDocument();

/** Every object within, with the names that lead there. */
function objectsIn(
  value: unknown,
  path: readonly string[] = [],
): readonly (readonly [string, Record<string, unknown>])[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, one]) => objectsIn(one, [...path, name]));
  return [[path.join('/'), value as Record<string, unknown>], ...inner];
}

it('docs/openapi.json is up to date: `npm run openapi` writes it', () => {
  expect(readFileSync('docs/openapi.json', 'utf8')).toBe(`${JSON.stringify(document, null, 2)}\n`);
});

describe('schemas', () => {
  const objects = objectsIn(document.components?.schemas).filter(([, { type }]) => type === 'object');

  it('of what is answered are closed', () => {
    const open = objects.filter(([, { additionalProperties }]) => additionalProperties !== false);
    // Those of requests, of which unknown keys are ignored.
    expect(open.map(([path]) => path)).toEqual(['HeartbeatRequest', 'LeaveRequest']);
  });
});

it('every body has an example', () => {
  const media = objectsIn(document).filter(([path]) => /content\/[^/]+\/[^/]+$/.test(path));
  expect(media.length).toBeGreaterThan(15);
  expect(media.filter(([, { example, examples }]) => (example ?? examples) === undefined)).toEqual([]);
});
