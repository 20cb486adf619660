import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../../src/api/openapi';

const document = openApiDocument();

/** Returns every object within the value, with its path. */
function objectsIn(
  value: unknown,
  path: readonly string[] = [],
): readonly (readonly [string, Record<string, unknown>])[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, one]) => objectsIn(one, [...path, name]));
  return [[path.join('/'), value as Record<string, unknown>], ...inner];
}

it('docs/openapi.json is what `npm run openapi` writes', () => {
  expect(readFileSync('docs/openapi.json', 'utf8')).toBe(`${JSON.stringify(document, null, 2)}\n`);
});

it('the schema of every object allows further keys, so validating clients accept new ones', () => {
  const objects = objectsIn(document.components).filter(([, { properties }]) => properties !== undefined);
  expect(objects.length).toBeGreaterThan(15);
  const closed = objects.filter(([, schema]) => (schema['additionalProperties'] ?? true) !== true);
  expect(closed.map(([path]) => path)).toEqual([]);
});

it('the document has no servers, so an origin and a path make the right address', () => {
  // A generated client puts the first server between the origin and the path. Otherwise it may request `//api/heartbeat`.
  expect(document.servers).toBeUndefined();
  expect(document.info.description).toContain(
    'The base of every path is the origin that serves this document',
  );
});

it('each request documents the same media types, and `text/plain` as a string with JSON content', () => {
  const bodies = objectsIn(document.paths).filter(([path]) => path.endsWith('requestBody/content'));
  expect(bodies).toHaveLength(4);
  for (const [, content] of bodies) {
    expect(Object.keys(content)).toEqual(['application/json', '*/*+json', 'text/plain']);
    const schemas = Object.values(content).map((media) => (media as { schema: object }).schema);
    const [json, suffixed, text] = schemas;
    expect(suffixed).toEqual(json);
    expect(text).toEqual({ type: 'string', contentMediaType: 'application/json', contentSchema: json });
  }
});

it('every body of the document has an example', () => {
  const media = objectsIn(document).filter(([path]) => /content\/[^/]+\/[^/]+$/.test(path));
  expect(media.length).toBeGreaterThan(15);
  expect(media.filter(([, { example, examples }]) => (example ?? examples) === undefined)).toEqual([]);
});
