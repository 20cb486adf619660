/** In the storage: an id, and when it was used last, in ms since 1970. */
const KEY = 'presence id';

/**
 * The id of this browser for one visit: all tabs and reloads have the same, and one that was not used for `ttlMs` is replaced, so
 * that nobody can be followed from one visit to the next. Without storage, as in some private windows, every call makes a new one.
 */
export function visitId(ttlMs: number): string {
  try {
    const [id, usedAt] = localStorage[KEY].split(' ');
    if (Math.abs(Date.now() - usedAt) < ttlMs) return id;
  } catch {
    // Nothing is stored, or it may not be read.
  }
  // Ends with a new UUID, also on pages without TLS, which have no `crypto.randomUUID`: https://w3c.github.io/FileAPI/#unicodeBlobURL
  return keepVisitId(URL.createObjectURL(new Blob()).slice(-36));
}

/** Notes that the id is in use, and returns it. */
export function keepVisitId(id: string): string {
  try {
    localStorage[KEY] = `${id} ${Date.now()}`;
  } catch {
    // It may not be written, and the page has it anyway.
  }
  return id;
}
