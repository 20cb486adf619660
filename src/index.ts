import { env } from 'cloudflare:workers';
import { createApp } from './app';
import { parseSettings } from './config';

// Checks the settings at the start, so that a wrong one stops the deploy. Otherwise every request fails.
parseSettings(env);

export { PresenceRoom } from './presence-room';

export default createApp();
