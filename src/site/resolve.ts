import type { oas31 } from 'zod-openapi';

/** Returns the part. For a reference `#/components/<kind>/<name>`, returns the part of the document that it names. */
export function resolve<Part extends object>(
  document: oas31.OpenAPIObject,
  part: Part | oas31.ReferenceObject,
): Part {
  if (!('$ref' in part)) return part;
  const [, , kind = '', name = ''] = part.$ref.split('/');
  // The place of a reference determines the type of its part. TypeScript cannot infer that.
  const found = document.components?.[kind as 'schemas']?.[name] as Part | undefined;
  if (found === undefined) throw new Error(`The document has no ${part.$ref}.`);
  return found;
}
