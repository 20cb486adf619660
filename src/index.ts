import { env } from 'cloudflare:workers';
import { createApp } from './app';
import { parseSettings } from './config';

// Read once more than need be, at the start: so a wrong setting stops the Worker, and a deploy, instead of its requests.
parseSettings(env);

export { PresenceRoom } from './presence-room';

export default createApp();
