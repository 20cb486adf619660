/** The origin of a URL, or undefined for an invalid one. `URL.canParse` is missing in a runtime without a compatibility date. */
export function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}
