import { afterAll, expect, it } from 'vitest';
import type { LiveClient } from '../support/live-client';
import type { RecordedKv, RecordedRoom, Step } from '../support/recording';
import { sessionId } from '../support/session-id';
import { Deployment, type Isolate } from './deployment';

// Version 1.0 still writes and sends what tests/workerd/upgrade holds as data. `npm run test:mixed -- -u` records it anew.

const [ANNA, BEN, CARL, DORA] = [sessionId(1), sessionId(2), sessionId(3), sessionId(4)];
const EPOCH = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=","number)/g;

const heartbeat = (isolate: number, id: string, mood: string): Step => ({
  do: 'heartbeat',
  isolate,
  sessionId: id,
  mood,
});
const leave = (isolate: number, id: string): Step => ({ do: 'leave', isolate, sessionId: id });
const sync = (isolate: number): Step => ({ do: 'sync', isolate });
const pass = (ms: number): Step => ({ do: 'pass', ms });

const KV_ROUND = [pass(10_001), sync(0), sync(1)];
const MOODS = [
  heartbeat(0, ANNA, 'gratitude'),
  heartbeat(0, BEN, 'presence'),
  heartbeat(1, CARL, 'release'),
  heartbeat(1, DORA, 'connection'),
];

/** Two isolates of one location run the steps of each case. */
const KV_CASES: Readonly<Record<string, readonly Step[]>> = {
  'several moods': [...MOODS, ...KV_ROUND, ...MOODS, ...KV_ROUND, ...MOODS, ...KV_ROUND],
  'a leave': [...MOODS, ...KV_ROUND, ...MOODS, ...KV_ROUND, leave(0, CARL), ...KV_ROUND],
  'a resting writer': [heartbeat(0, ANNA, 'gratitude'), pass(10_001), heartbeat(0, ANNA, 'gratitude')],
};

const ROOM_ROUND = [pass(1_000), sync(0), sync(1)];
const ROOM_STEPS: readonly Step[] = [
  { do: 'open', socket: 0 },
  { do: 'open', socket: 1 },
  heartbeat(0, ANNA, 'gratitude'),
  heartbeat(1, BEN, 'release'),
  { do: 'send', socket: 1, message: { sessionId: CARL, mood: 'connection' } },
  ...ROOM_ROUND,
  ...ROOM_ROUND,
  heartbeat(0, ANNA, 'presence'),
  heartbeat(1, DORA, 'gratitude'),
  ...ROOM_ROUND,
  ...ROOM_ROUND,
  leave(1, BEN),
  ...ROOM_ROUND,
  { do: 'send', socket: 1, message: { mood: 'release' } },
  heartbeat(1, ANNA, 'connection'),
  ...ROOM_ROUND,
  ...ROOM_ROUND,
  pass(6_000),
];

const kv = new Deployment();
const withRoom = new Deployment('1.0');
afterAll(() => Promise.all([kv.dispose(), withRoom.dispose()]));

it.each(Object.entries(KV_CASES))('version 1.0 stores in KV what is recorded: %s', async (name, steps) => {
  await kv.reset();
  await kv.puts('1.0');
  await run(kv, steps);
  const last = (await kv.puts('1.0')).at(-1);
  const recorded = { steps, ...last } as RecordedKv;
  await expectRecorded(`kv-${name.replaceAll(' ', '-')}`, recorded);
});

it('version 1.0 sends to the room, and stores there, what is recorded', async () => {
  await withRoom.reset();
  const steps = await run(withRoom, ROOM_STEPS);
  const { rows, attachments } = await withRoom.room();
  await expectRecorded('room', { steps, rows, attachments } as RecordedRoom);
});

/** Runs the steps with isolates of 1.0. Returns them with the calls to the room that they caused. */
async function run(deployment: Deployment, steps: readonly Step[]): Promise<readonly Step[]> {
  const isolates = [deployment.isolate('1.0'), deployment.isolate('1.0')];
  const sockets: LiveClient[] = [];
  const taken: Step[] = [];
  for (const step of steps) {
    await take(step, deployment, isolates, sockets);
    const { calls } = await deployment.room();
    taken.push(step, ...calls.map((call) => ({ do: 'call', ...call }) as unknown as Step));
  }
  return taken;
}

async function take(
  step: Step,
  deployment: Deployment,
  isolates: readonly Isolate[],
  sockets: LiveClient[],
): Promise<void> {
  const isolate = 'isolate' in step ? isolates[step.isolate] : undefined;
  const socket = 'socket' in step ? sockets[step.socket] : undefined;
  if (step.do === 'pass') await deployment.pass(step.ms);
  if (step.do === 'heartbeat') await isolate?.heartbeat(step.sessionId, step.mood);
  if (step.do === 'leave') await isolate?.leave(step.sessionId);
  if (step.do === 'sync') await isolate?.sync();
  if (step.do === 'open' && isolates[0]) sockets.push(await isolates[0].open());
  if (step.do === 'send' && socket) await deployment.send(socket, step.message);
}

async function expectRecorded(name: string, recorded: RecordedKv | RecordedRoom): Promise<void> {
  const json = JSON.stringify(recorded).replaceAll(EPOCH, 'epoch');
  const text = `${JSON.stringify(JSON.parse(json), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(`../workerd/upgrade/1.0-${name}.json`);
}
