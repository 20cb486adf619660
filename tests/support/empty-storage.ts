import { reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { ROOM_NAME } from '../../src/presence/room/room-protocol';

/**
 * Deletes the stored values of KV and of the room. `reset` deletes only those of objects in memory. A room leaves the memory when it
 * hibernates, and a KV namespace after 10 s without an operation. The first two calls bring both back.
 */
export async function emptyStorage(): Promise<void> {
  await env.PRESENCE_KV.get('anything');
  await runInDurableObject(env.PRESENCE_ROOM.getByName(ROOM_NAME), () => undefined);
  await reset();
}
