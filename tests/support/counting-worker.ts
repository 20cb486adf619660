import { createApp } from '../../src/app';
import { ROOM_NAME, type WireAnswer, type WireReport } from '../../src/presence/room/room-protocol';
import { PresenceRoom as Room } from '../../src/presence-room';

/** A room that counts its calls of `sync`. */
export class PresenceRoom extends Room {
  #syncs = 0;

  override sync(report: WireReport): Promise<WireAnswer> {
    this.#syncs += 1;
    return super.sync(report);
  }

  syncs(): number {
    return this.#syncs;
  }
}

const app = createApp();

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/test/syncs') return app.fetch(request, env, context);
    return Response.json(await env.PRESENCE_ROOM.getByName(ROOM_NAME).syncs());
  },
} satisfies ExportedHandler<{ PRESENCE_ROOM: DurableObjectNamespace<PresenceRoom> }>;
