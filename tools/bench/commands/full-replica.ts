import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { KV_SESSIONS_MAX, REPLICA_SESSIONS_MAX, ROOM_SESSIONS_MAX } from '../../../src/limits';
import { COMPATIBILITY_DATE } from '../../../tests/support/compatibility-date';
import { givenOptions } from '../../options';
import { buildWorkers } from '../build-workers';
import { heapTrials } from '../heap-trials';
import { longChannelOf } from '../long-channels';

// Measures how much heap the syncs of a full replica need on workerd: `npm run bench -- full-replica`. An isolate has 128 MB.

const ROOM = { className: 'PresenceRoom', useSQLite: true };
/** This number of the longest entries takes 25 MiB, the largest value of KV. */
const STORED_MAX = Math.floor((25 * 2 ** 20) / 99);
/** After this time without heartbeats a session with a TTL of 600 s counts nowhere. */
const EXPIRED_MS = 661_000;
/** After this time a replica on KV reads and writes again. */
const REFRESH_MS = 21_000;

type Ask = (worker: 'replica' | 'filler', path: string) => Promise<{ text: string; ms: number }>;

/** Each scenario fills a replica, and returns the times of the syncs that follow (ms). */
const SCENARIOS: Readonly<Record<string, (ask: Ask) => Promise<readonly number[]>>> = {
  /** The replica expires its sessions, takes new ones, the expired ones again, and all stored ones. Then the key holds 25 MiB of others. */
  'KV, the most own sessions': async (ask) => {
    const all = `count=${REPLICA_SESSIONS_MAX}`;
    await ask('replica', `/heartbeat?from=0&${all}`);
    await ask('filler', `/store?from=1000000&count=${KV_SESSIONS_MAX}&ms=${EXPIRED_MS}`);
    await ask('replica', `/api/presence?ms=${EXPIRED_MS}`);
    await ask('replica', `/heartbeat?from=2000000&${all}`);
    await ask('replica', `/heartbeat?from=0&${all}`);
    await ask('replica', `/heartbeat?from=1000000&count=${KV_SESSIONS_MAX}`);
    return syncsWithFullKey(ask);
  },
  /** Before each sync the key gets 25 MiB of other sessions. */
  'KV, the most stored sessions': async (ask) => {
    await ask('replica', '/heartbeat?from=0&count=1000');
    return syncsWithFullKey(ask);
  },
  'the room': (ask) => syncsWithFullRoom(ask, ''),
  'the room, with the longest keys of channels': (ask) => syncsWithFullRoom(ask, '&named'),
};

/** The replica sends all own sessions at once, and the full room answers with all others. */
async function syncsWithFullRoom(ask: Ask, named: string): Promise<readonly number[]> {
  const heartbeats = `/heartbeat?from=0&count=${REPLICA_SESSIONS_MAX}${named}`;
  await ask('filler', `/heartbeat?from=1000000&count=${ROOM_SESSIONS_MAX}${named}`);
  await ask('replica', '/api/presence');
  await ask('replica', heartbeats);
  // A replica that gets no answer for a TTL asks for everything.
  const first = await ask('replica', '/api/presence?ms=2000');
  await ask('replica', heartbeats);
  const second = await ask('replica', '/api/presence?ms=599000');
  return [first.ms, second.ms];
}

async function syncsWithFullKey(ask: Ask): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  for (const from of [3_000_000, 4_000_000, 5_000_000]) {
    await ask('filler', `/store?from=${from}&count=${STORED_MAX}&ms=${REFRESH_MS}`);
    milliseconds.push((await ask('replica', `/api/presence?ms=${REFRESH_MS}`)).ms);
    // A request waits for a sync for at most 1 s, so the sync may still run.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  return milliseconds;
}

const scenario = process.env['FULL_REPLICA'];
if (scenario === undefined) {
  const given = givenOptions(
    'Measures how much heap the syncs of a full replica need.',
    {},
    { json: 'Prints all figures, for programs.' },
  );
  await buildWorkers();
  const rows = heapTrials('FULL_REPLICA', 'scenario', Object.keys(SCENARIOS));
  if (given['json'] === true) console.log(JSON.stringify(rows, null, 2));
  else console.table(rows);
} else {
  console.log(JSON.stringify(await run(scenario)));
}

async function run(scenario: string) {
  const isRoom = scenario.startsWith('the room');
  const bindings = {
    PRESENCE_HUB: isRoom ? 'durable-object' : 'kv',
    SESSION_TTL_SECONDS: '600',
    SESSIONS_MAX: '250000',
    ...(isRoom && { CHANNELS: '*' }),
  };
  const common = { modules: true, compatibilityDate: COMPATIBILITY_DATE };
  const replica = {
    ...common,
    bindings,
    kvNamespaces: { PRESENCE_KV: 'shared' },
    durableObjects: { PRESENCE_ROOM: { ...ROOM, scriptName: 'room' } },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  const scriptPath = 'dist/bench/full-replica-worker.js';
  const fillerPath = isRoom ? 'dist/bench/full-room-worker.js' : scriptPath;
  const room = { ...common, name: 'room', scriptPath: 'dist/index.js', bindings };
  const workers = [
    { ...replica, name: 'replica', scriptPath },
    { ...replica, name: 'filler', scriptPath: fillerPath },
    { ...room, kvNamespaces: { PRESENCE_KV: 'shared' }, durableObjects: { PRESENCE_ROOM: ROOM } },
  ];
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers }));
  const ask: Ask = async (worker, path) => {
    const startedAt = performance.now();
    const response = await fetch(new URL(path, await miniflare.unsafeGetDirectURL(worker)));
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return { text, ms: Math.round(performance.now() - startedAt) };
  };
  const milliseconds = await (SCENARIOS[scenario] ?? (() => []))(ask);
  const { status } = JSON.parse((await ask('replica', '/health')).text);
  const isNamed = scenario.endsWith('channels');
  const path = isNamed ? `/api/channels/${longChannelOf(0)}/presence` : '/api/presence';
  const { count } = JSON.parse((await ask('replica', path)).text);
  await miniflare.dispose();
  return {
    'sessions counted': count,
    ...(isNamed && { 'of channels': 1_000 }),
    health: status,
    'ms, a sync': milliseconds.join(', '),
  };
}
