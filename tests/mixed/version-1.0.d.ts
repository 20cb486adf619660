/** The sources of version 1.0 that the test Worker uses. `build.ts` has their path. */
declare module 'version-1.0/app' {
  export const createApp: typeof import('../../src/app').createApp;
}

declare module 'version-1.0/presence-room' {
  export const PresenceRoom: typeof import('../../src/presence-room').PresenceRoom;
}
