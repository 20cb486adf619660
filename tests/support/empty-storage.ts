import { reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { ROOM_NAME } from '../../src/presence/room/room-protocol';

/**
 * Deletes all that KV and the room hold. `reset` alone misses what is not in memory: a room that hibernates, and the KV
 * namespace, which is an object too, after ten seconds without an operation. So both are asked for something first.
 */
export async function emptyStorage(): Promise<void> {
  await env.PRESENCE_KV.get('anything');
  await runInDurableObject(env.PRESENCE_ROOM.getByName(ROOM_NAME), () => undefined);
  await reset();
}
