import { createApp } from '../../src/app';
import type { Bindings } from '../../src/config';
import { sessionId } from '../../tests/support/session-id';
import { longChannelOf } from './long-channels';

type Env = Bindings & Required<Pick<Bindings, 'PRESENCE_KV'>>;

/** A replica without a location stores its sessions under this key. */
const KEY = 'presence:sessions';

let now = Date.now();
const app = createApp({ now: () => now });

/** A replica, and a sender of heartbeats in the same isolate. Its clock moves only by `ms`. Another isolate of it fills the key. */
export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))];
    now += Number(searchParams.get('ms'));
    if (pathname === '/store') {
      await env.PRESENCE_KV.put(KEY, longestValue(from, count));
      return new Response();
    }
    if (pathname === '/heartbeat' || pathname === '/leave') {
      for (let n = from; n < from + count; n += 1) {
        const body = JSON.stringify({ sessionId: sessionId(n), mood: 'connection' });
        const channel = searchParams.has('named') ? `/channels/${longChannelOf(n)}` : '';
        const response = await app.request(
          `/api${channel}${pathname}`,
          { method: 'POST', body },
          env,
          context,
        );
        if (!response.ok) return response;
      }
      return new Response();
    }
    return app.request(pathname, {}, env, context);
  },
} satisfies ExportedHandler<Env>;

/** The longest value of this number of sessions, with the longest mood and all marks. Its bytes take no heap. */
function longestValue(from: number, count: number): Uint8Array {
  const entry = (n: number) => `"${sessionId(n)}":{"mood":"connection","lastSeen":${now},"rests":true}`;
  const bytes = new Uint8Array(count * (entry(from).length + 1) + 1);
  const encoder = new TextEncoder();
  let written = 0;
  const write = (text: string) => {
    written += encoder.encodeInto(text, bytes.subarray(written)).written;
  };
  for (let n = from; n < from + count; n += 1) write(`${n === from ? '{' : ','}${entry(n)}`);
  write('}');
  return bytes;
}
