// The code of a page that the types of the package must accept.
import { createPresence, type Mood, type PresenceState } from 'breathe-together-presence-client';
import { PresenceCount } from 'breathe-together-presence-client/element';
import { usePresence } from 'breathe-together-presence-client/react';

export const presence = createPresence({ channel: 'post-7', mood: null, whenHidden: 'leave' });
export const count: number | undefined = presence.getSnapshot().data?.count;
export const others: number | null = presence.getSnapshot().others;
export const visits = async (): Promise<number | undefined> => (await presence.history())?.visits;
export const moods = (state: PresenceState): number => state.moods['gratitude' satisfies Mood];
export const hook = () => usePresence({ channel: 'post-7', mood: 'release' }).status === 'live';
export const element: HTMLElement = new PresenceCount();
document.createElement('presence-count').mood = null;
// @ts-expect-error There is no such mood.
presence.setMood('happy');
