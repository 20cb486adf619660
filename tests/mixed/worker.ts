import { createApp as createAppOf1 } from 'version-1.0/app';
import { PresenceRoom as RoomOf1 } from 'version-1.0/presence-room';
import { createApp } from '../../src/app';
import type { Bindings } from '../../src/config';
import { PresenceRoom as TodaysRoom } from '../../src/presence-room';
import { observable } from './observable-room';
import { dropTimers, RUNTIME, setClock } from './test-clock';
import { CLOCK_HEADER, ISOLATE_HEADER, type Put, ROOM_HEADER, type Version } from './test-protocol';

interface Env extends Bindings {
  readonly VERSION: Version;
}

const VERSIONS = {
  '1.0': { createApp: createAppOf1, Room: observable('1.0', RoomOf1) },
  today: { createApp, Room: observable('today', TodaysRoom) },
};

/** The version of the next room object, if a test has changed it. */
let deployed: Version | undefined;

/** Constructs the room of the deployed version. A test has one room, so the timers of an earlier one are dropped. */
export const PresenceRoom = new Proxy(VERSIONS.today.Room, {
  construct: (_, [state, env]: [DurableObjectState, Env]) => {
    dropTimers();
    return new VERSIONS[deployed ?? env.VERSION].Room(state, env);
  },
});

/** A replica: an app and the bindings that it gets with every request. */
interface Replica {
  readonly app: ReturnType<typeof createApp>;
  readonly bindings: Bindings;
}

const replicas = new Map<string, Replica>();

function replicaOf(name: string, env: Env, room: RoomOfTest): Replica {
  const known = replicas.get(name);
  if (known !== undefined) return known;
  const { PRESENCE_KV } = env;
  const PRESENCE_ROOM = { getByName: room } as unknown as NonNullable<Bindings['PRESENCE_ROOM']>;
  const replica = {
    app: VERSIONS[env.VERSION].createApp(RUNTIME),
    bindings: { ...env, PRESENCE_ROOM, ...(PRESENCE_KV && { PRESENCE_KV: observed(PRESENCE_KV) }) },
  };
  replicas.set(name, replica);
  return replica;
}

let puts: Put[] = [];

/** Returns the namespace with a `put` that records each write. */
function observed(kv: KVNamespace): KVNamespace {
  const put = (key: string, value: string, options?: KVNamespacePutOptions) => {
    puts.push({ key, value: JSON.parse(value), options });
    return kv.put(key, value, options);
  };
  const [get, getWithMetadata, list] = [kv.get, kv.getWithMetadata, kv.list].map((method) => method.bind(kv));
  return { get, getWithMetadata, list, put } as unknown as KVNamespace;
}

type RoomOfTest = () => InstanceType<typeof PresenceRoom>;

export default {
  async fetch(request, env, context) {
    const nowMs = Number(request.headers.get(CLOCK_HEADER));
    const { pathname } = new URL(request.url);
    // A room that exists moves the clock forward itself, from timer to timer.
    if (pathname !== '/test/room' || RUNTIME.now() === 0 || nowMs < RUNTIME.now()) setClock(nowMs);
    const name = request.headers.get(ROOM_HEADER) ?? '';
    // The types of a namespace know no methods of a class that is made at run time.
    const room: RoomOfTest = () => env.PRESENCE_ROOM?.getByName(name) as unknown as ReturnType<RoomOfTest>;
    switch (pathname) {
      case '/test/room':
        return Response.json(await room().pass(nowMs));
      case '/test/puts': {
        const written = puts;
        puts = [];
        return Response.json(written);
      }
      case '/test/fill':
        await room().fill(Number(await request.text()));
        return new Response();
      case '/test/alarm':
        await room().runAlarm(nowMs);
        return new Response();
      case '/test/deploy':
        deployed = (await request.text()) as Version;
        return new Response();
      default: {
        const { app, bindings } = replicaOf(request.headers.get(ISOLATE_HEADER) ?? '', env, room);
        return app.fetch(request, bindings, context);
      }
    }
  },
} satisfies ExportedHandler<Env>;
