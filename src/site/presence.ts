import * as client from '../client/presence.js';

/** What is served at `/presence.js`: the client, by default of the service that it was loaded from. */
export function createPresence(options: client.PresenceOptions = {}): client.Presence {
  return client.createPresence({ ...options, url: options.url ?? import.meta.url });
}
