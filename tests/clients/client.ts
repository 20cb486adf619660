import createClient from 'openapi-fetch';
import type { paths } from './generated/presence';

// Uses the API by its OpenAPI document alone. Throws an error if the service gives another answer than the document.
const [, , origin = ''] = process.argv;
const { GET, POST } = createClient<paths>({ baseUrl: origin });
const sessionId = crypto.randomUUID();

const heartbeat = await POST('/api/heartbeat', { body: { sessionId, mood: 'release' } });
if (heartbeat.data?.moods.release !== 1) throw new Error(`Not counted: ${JSON.stringify(heartbeat)}`);

const presence = await GET('/api/presence');
if (presence.data?.count !== 1) throw new Error(`No count: ${JSON.stringify(presence)}`);

const refused = await POST('/api/heartbeat', { body: { sessionId: 'anna', mood: 'release' } });
// Each problem has its own type, which decides its other keys.
if (refused.error?.type !== '/docs#invalid-body') throw new Error(`Not refused: ${JSON.stringify(refused)}`);
if (refused.error.errors[0]?.pointer !== '#/sessionId')
  throw new Error(`No pointer: ${JSON.stringify(refused)}`);

// This service has no channels.
const params = { path: { channel: 'lobby' } };
const named = await POST('/api/channels/{channel}/heartbeat', {
  params,
  body: { sessionId, mood: 'release' },
});
if (named.error?.type !== '/docs#no-channels')
  throw new Error(`Not refused: ${JSON.stringify([named.data?.moods.release, named.error])}`);
const several = await GET('/api/channels', { params: { query: { names: 'lobby,post-7' } } });
if (several.error?.type !== '/docs#no-channels')
  throw new Error(`Not refused: ${JSON.stringify([several.data?.channels['lobby']?.count, several.error])}`);

const leave = await POST('/api/leave', { body: { sessionId } });
if (leave.data?.success !== true) throw new Error(`Not left: ${JSON.stringify(leave)}`);

const watched = await GET('/api/presence');
if (watched.data?.count !== 0) throw new Error(`Still counted: ${JSON.stringify(watched)}`);

export async function refusedByTheCompiler() {
  // @ts-expect-error There is no such mood.
  await POST('/api/heartbeat', { body: { sessionId, mood: 'joy' } });
  // @ts-expect-error The mood is required.
  await POST('/api/heartbeat', { body: { sessionId } });
  // @ts-expect-error The API has no such path.
  await GET('/api/people');
  // @ts-expect-error The presence state has no such member.
  return presence.data?.people;
}
