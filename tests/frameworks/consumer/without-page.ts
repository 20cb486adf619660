// What a program without the types of a page may write: its globals are those of Node.
import { createPresence, type PresenceSnapshot } from 'breathe-together-presence-client';

export const presence = createPresence({ url: new URL('https://presence.example'), fetch, mood: 'release' });
export const snapshot: PresenceSnapshot = presence.getSnapshot();
