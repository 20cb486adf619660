import { createApp } from '../../src/app';
import type { Bindings } from '../../src/config';
import type { WireReport } from '../../src/presence/room/room-protocol';

export { PresenceRoom } from '../../src/presence-room';

type Hubs = Required<Pick<Bindings, 'PRESENCE_KV' | 'PRESENCE_ROOM'>>;

let hub: 'works' | 'fails' | 'is slow' = 'works';

async function troubled<Result>(work: () => Promise<Result>): Promise<Result> {
  if (hub === 'fails') throw new Error('The hub is away.');
  if (hub === 'is slow') await new Promise((resolve) => setTimeout(resolve, 3_000));
  return work();
}

/** The bindings, with a hub that is in trouble when the test says so. */
function troubledBindings<Env extends Hubs>(env: Env): Env {
  const { PRESENCE_KV: kv, PRESENCE_ROOM: rooms } = env;
  return {
    ...env,
    PRESENCE_KV: {
      getWithMetadata: (...args: Parameters<KVNamespace['getWithMetadata']>) =>
        troubled(() => kv.getWithMetadata(...args)),
      get: (...args: Parameters<KVNamespace['get']>) => troubled(() => kv.get(...args)),
      put: (...args: Parameters<KVNamespace['put']>) => troubled(() => kv.put(...args)),
      list: (...args: Parameters<KVNamespace['list']>) => troubled(() => kv.list(...args)),
    },
    PRESENCE_ROOM: {
      getByName: (name: string) => ({
        sync: (report: WireReport) => troubled(() => rooms.getByName(name).sync(report)),
        fetch: (request: Request) => troubled(() => rooms.getByName(name).fetch(request)),
      }),
    },
  };
}

const app = createApp();
let bindings: Bindings | undefined;

export default {
  fetch(request, env, context) {
    const { pathname, search } = new URL(request.url);
    if (pathname === '/test/hub') {
      hub = search === '?fails' ? 'fails' : search === '?is-slow' ? 'is slow' : 'works';
      return new Response(hub);
    }
    bindings ??= troubledBindings(env);
    return app.fetch(request, bindings, context);
  },
} satisfies ExportedHandler<Hubs>;
