'use client';

import { type DetailedHTMLProps, type HTMLAttributes, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { PresenceCount } from './element.js';
import { createPresence, type Mood, type PresenceOptions, type PresenceSnapshot } from './presence.js';

/** The attributes of `<presence-count>`. `mood={null}` needs React 19, and no server rendering; `mood=""` works everywhere. */
interface PresenceCountAttributes extends DetailedHTMLProps<HTMLAttributes<PresenceCount>, PresenceCount> {
  url?: string | undefined;
  channel?: string | undefined;
  mood?: Mood | '' | null | undefined;
  robots?: 'count' | undefined;
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'presence-count': PresenceCountAttributes;
    }
  }
}

/**
 * Counts this browser as present while the component is mounted, and returns the snapshot. `mood` and `channel` may change at
 * any time. Without a `mood` the choice of the visit holds, also after a `mood` of `null`. Later values of the other options have no effect.
 */
export function usePresence(options: PresenceOptions = {}): PresenceSnapshot {
  const { mood, channel } = options;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another channel needs another presence.
  const presence = useMemo(() => createPresence(options), [channel]);
  useEffect(() => {
    presence.start();
    return () => void presence.stop();
  }, [presence]);
  useEffect(() => {
    presence.setMood(mood);
  }, [presence, mood]);
  return useSyncExternalStore(presence.subscribe, presence.getSnapshot, presence.getSnapshot);
}
