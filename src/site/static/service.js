// What the service of this page can do.

let health;

/**
 * Whether the service has the room, and with it circles and a history. Otherwise a question for them prints a 404 in the console. All
 * callers share one request. Undefined if it fails: then the next call asks again.
 */
export async function hasRoom() {
  health ??= fetch('/health').then((response) => response.json());
  try {
    return (await health).hub === 'durable-object';
  } catch {
    health = undefined;
    return undefined;
  }
}
