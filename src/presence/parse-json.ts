/** Returns the value of a JSON text, or undefined for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the object of a JSON text, or undefined for any other text or value. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const json = parseJson(text);
  return isObject(json) ? json : undefined;
}

export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
