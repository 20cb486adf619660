import { useEffect, useState, useSyncExternalStore } from 'react';
import { DEFAULT_MOOD } from '../moods.js';
import { createPresence, type PresenceOptions, type PresenceSnapshot } from './presence.js';

/**
 * Counts this browser as present while the component is mounted, and tells who else is. Of the options `mood` may change at any
 * time; the others count as they were at the first render.
 */
export function usePresence(options: PresenceOptions = {}): PresenceSnapshot {
  const { mood = DEFAULT_MOOD } = options;
  const [presence] = useState(() => createPresence(options));
  useEffect(() => {
    presence.start();
    return () => void presence.stop();
  }, [presence]);
  useEffect(() => presence.setMood(mood), [presence, mood]);
  return useSyncExternalStore(presence.subscribe, presence.getSnapshot, presence.getSnapshot);
}
