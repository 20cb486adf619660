import { createApp } from '../../../src/app';
import { CLOCK_HEADER } from './clock-header';

export { PresenceRoom } from '../../../src/presence-room';

let now = 0;
const app = createApp({ now: () => now, random: () => 0.5 });

export default {
  fetch(request, env, context) {
    now = Number(request.headers.get(CLOCK_HEADER));
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<object>;
