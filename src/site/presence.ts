import * as client from '../client/presence.js';

/** The client at `/presence.js`. By default it uses the service that served the script. */
export function createPresence(options: client.PresenceOptions = {}): client.Presence {
  return client.createPresence({ ...options, url: options.url ?? import.meta.url });
}
