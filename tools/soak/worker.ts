import { createApp } from '../../src/app';
import type { Bindings } from '../../src/config';
import type { WireReport } from '../../src/presence/room/room-protocol';

export { PresenceRoom } from '../../src/presence-room';

type Hubs = Required<Pick<Bindings, 'PRESENCE_KV' | 'PRESENCE_ROOM'>>;

let hub: 'works' | 'fails' | 'is slow' = 'works';

async function unreliable<Result>(work: () => Promise<Result>): Promise<Result> {
  if (hub === 'fails') throw new Error('The hub is unreachable.');
  if (hub === 'is slow') await new Promise((resolve) => setTimeout(resolve, 3_000));
  return work();
}

/** Returns the bindings with a hub that fails or is slow while `/test/hub` says so. */
function withUnreliableHub<Env extends Hubs>(env: Env): Env {
  const { PRESENCE_KV: kv, PRESENCE_ROOM: rooms } = env;
  return {
    ...env,
    PRESENCE_KV: {
      getWithMetadata: (...args: Parameters<KVNamespace['getWithMetadata']>) =>
        unreliable(() => kv.getWithMetadata(...args)),
      get: (...args: Parameters<KVNamespace['get']>) => unreliable(() => kv.get(...args)),
      put: (...args: Parameters<KVNamespace['put']>) => unreliable(() => kv.put(...args)),
      list: (...args: Parameters<KVNamespace['list']>) => unreliable(() => kv.list(...args)),
    },
    PRESENCE_ROOM: {
      getByName: (name: string) => ({
        sync: (report: WireReport) => unreliable(() => rooms.getByName(name).sync(report)),
        fetch: (request: Request) => unreliable(() => rooms.getByName(name).fetch(request)),
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
    bindings ??= withUnreliableHub(env);
    return app.fetch(request, bindings, context);
  },
} satisfies ExportedHandler<Hubs>;
