import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { ROOM_SAVE_INTERVAL_MS, ROOM_SESSIONS_MAX, ROOM_TOMBSTONES_MAX } from '../../../src/limits';
import { COMPATIBILITY_DATE } from '../../../tests/support/compatibility-date';
import { givenOptions } from '../../options';
import { buildWorkers } from '../build-workers';
import { heapTrials } from '../heap-trials';

// Measures how much heap a full room needs on workerd: `npm run bench -- full-room`. An object has 128 MB.

const BEATS = 3;
const ROOM = { className: 'PresenceRoom', useSQLite: true };

const KEYS = ['ids', 'the longest keys of channels'];

if (process.env['FULL_ROOM'] === undefined) {
  const given = givenOptions(
    'Measures how much heap a full room needs.',
    {},
    { json: 'Prints all figures, for programs.' },
  );
  await buildWorkers();
  const rows = heapTrials('FULL_ROOM', 'keys', KEYS);
  if (given['json'] === true) console.log(JSON.stringify(rows, null, 2));
  else console.table(rows);
} else {
  console.log(JSON.stringify(await runFullRoom(process.env['FULL_ROOM'] === KEYS[1] ? '&named' : '')));
}

/** Fills a room and lets it save. Starts it again from its journal. Then four calls ask for all its sessions. */
async function runFullRoom(named: string) {
  const persist = mkdtempSync(join(tmpdir(), 'room-'));
  try {
    let miniflare = start(persist);
    const ask = async (path: string) => {
      const startedAt = performance.now();
      const response = await fetch(new URL(path, await miniflare.unsafeGetDirectURL('replica')));
      if (!response.ok) throw new Error(await response.text());
      return { answer: await response.text(), ms: Math.round(performance.now() - startedAt) };
    };
    let { answer: known } = await ask(
      `/leave?from=${ROOM_SESSIONS_MAX}&count=${ROOM_TOMBSTONES_MAX}${named}`,
    );
    for (let beat = 0; beat < BEATS; beat += 1) {
      const path = `/heartbeat?from=0&count=${ROOM_SESSIONS_MAX}&known=${encodeURIComponent(known)}${named}`;
      ({ answer: known } = await ask(path));
      await new Promise((resolve) => setTimeout(resolve, ROOM_SAVE_INTERVAL_MS));
    }
    const { ms: allMs } = await ask('/all');
    await miniflare.dispose();
    miniflare = start(persist);
    const { ms: restartMs, answer } = await ask('/all');
    await Promise.all([ask('/all'), ask('/all'), ask('/all')]);
    await ask(`/heartbeat?from=${2 * ROOM_SESSIONS_MAX}&count=1000${named}`);
    await miniflare.dispose();
    return {
      ...JSON.parse(answer),
      'ms, everything to a replica': allMs,
      'ms, the same after a restart': restartMs,
    };
  } finally {
    rmSync(persist, { recursive: true, force: true });
  }
}

function start(persist: string): Miniflare {
  const workers = [
    {
      name: 'replica',
      modules: true,
      scriptPath: 'dist/bench/full-room-worker.js',
      compatibilityDate: COMPATIBILITY_DATE,
      durableObjects: { PRESENCE_ROOM: { ...ROOM, scriptName: 'room' } },
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    },
    {
      name: 'room',
      modules: true,
      scriptPath: 'dist/index.js',
      compatibilityDate: COMPATIBILITY_DATE,
      bindings: { PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: '600' },
      kvNamespaces: { PRESENCE_KV: 'shared' },
      durableObjects: { PRESENCE_ROOM: ROOM },
    },
  ];
  return new Miniflare(convertV4MiniflareOptions({ resourcePersistencePath: persist, workers }));
}
