// The code of a program without a page that the types of the package must accept. Its globals are those of Node.
import { createPresence, type PresenceSnapshot } from 'breathe-together-presence-client';

export const presence = createPresence({ url: new URL('https://presence.example'), fetch, mood: 'release' });
export const snapshot: PresenceSnapshot = presence.getSnapshot();
