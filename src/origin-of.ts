/**
 * The origin of a URL, or undefined if the text is none: `URL` throws, and `URL.canParse` is missing where a runtime has no
 * compatibility date.
 */
export function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}
