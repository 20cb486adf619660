import type { oas31 } from 'zod-openapi';

/** The part of the document that stands there, or that the reference there names: `#/components/<kind>/<name>`. */
export function resolve<Part extends object>(
  document: oas31.OpenAPIObject,
  part: Part | oas31.ReferenceObject,
): Part {
  if (!('$ref' in part)) return part;
  const [, , kind = '', name = ''] = part.$ref.split('/');
  // Where the reference stands says what it refers to, but not to TypeScript.
  const found = document.components?.[kind as 'schemas']?.[name] as Part | undefined;
  if (found === undefined) throw new Error(`The document has no ${part.$ref}.`);
  return found;
}
