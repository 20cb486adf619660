// The features of the service of this page.

let health;

/**
 * Whether the service has the room, and with it circles and a history. Without the room, a request for them prints a 404 in the console.
 * All callers share one request. Undefined if it fails. Then the next call sends a new one.
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
