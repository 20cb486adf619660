import { createApp } from '../../src/app';

/** The header that sets the clock (ms since 1970), so that tests with real isolates need not wait. */
const CLOCK_HEADER = 'test-clock';

let now = 0;
const app = createApp({ now: () => now, random: () => 0.5 });

export default {
  fetch(request, env, context) {
    now = Number(request.headers.get(CLOCK_HEADER));
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<object>;
