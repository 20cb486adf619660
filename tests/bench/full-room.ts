import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { ROOM_SAVE_INTERVAL_MS, ROOM_SESSIONS_MAX, ROOM_TOMBSTONES_MAX } from '../../src/limits';
import { COMPATIBILITY_DATE } from '../live/compatibility-date';
import { workerdBytes } from '../live/workerd-memory';

const TTL_SECONDS = '600';
const [sessions = ROOM_SESSIONS_MAX, tombstones = ROOM_TOMBSTONES_MAX, beats = 3] = process.argv.slice(2).map(Number);

const persist = mkdtempSync(join(tmpdir(), 'room-'));
const start = () =>
  new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: persist,
      workers: [
        {
          name: 'replica', modules: true, scriptPath: 'dist/bench/full-room-worker.js', compatibilityDate: COMPATIBILITY_DATE,
          durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', scriptName: 'room', useSQLite: true } },
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        },
        {
          name: 'room', modules: true, scriptPath: 'dist/index.js', compatibilityDate: COMPATIBILITY_DATE,
          bindings: { PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: TTL_SECONDS },
          kvNamespaces: { PRESENCE_KV: 'shared' },
          durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', useSQLite: true } },
        },
      ],
    }),
  );
const ask = async (miniflare: Miniflare, path: string) => {
  const began = performance.now();
  const response = await fetch(new URL(path, await miniflare.unsafeGetDirectURL('replica')));
  const text = await response.text();
  console.log(path.slice(0, 60), response.status, text.slice(0, 120), `${Math.round(performance.now() - began)} ms`, `${Math.round(workerdBytes() / 1e6)} MB RSS`);
  return text;
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let miniflare = start();
await ask(miniflare, '/all');
let known = await ask(miniflare, `/leave?from=${sessions}&count=${tombstones}`);
for (let beat = 0; beat < beats; beat += 1) {
  known = await ask(miniflare, `/beat?from=0&count=${sessions}&known=${encodeURIComponent(known)}`);
  await pause(ROOM_SAVE_INTERVAL_MS);
}
await ask(miniflare, '/all');
await ask(miniflare, '/all');
await miniflare.dispose();
miniflare = start();
await ask(miniflare, '/all');
await Promise.all([ask(miniflare, '/all'), ask(miniflare, '/all'), ask(miniflare, '/all')]);
await ask(miniflare, `/beat?from=${sessions + tombstones}&count=1000`);
await miniflare.dispose();
rmSync(persist, { recursive: true });
