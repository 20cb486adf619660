import { ITEMS, type Usage } from '../prices';
import { runAll } from '../run-all';
import { httpRequestsPerSecond, type RoomRates, socketsUsage, usageOf } from '../usage';
import { type ByHttp, type Crowd, scenarioOf } from './ways';

/** The room saves every 5 s. With named channels a save also writes the row with their counts. */
const CHANNEL_ROWS_PER_SECOND = 1 / 5;

/** What a crowd in named channels of the same size uses in a day, for each way to serve it. */
export interface ChannelWays {
  /** All channels in the one room. */
  readonly room: ByHttp;
  readonly sockets: Usage;
  readonly socketsWithPings: Usage;
  /** A Durable Object of its own for each channel. */
  readonly objects: ByHttp;
}

/** Returns the people of one channel, at least one. */
export const peopleInChannel = (people: number, channels: number) =>
  Math.max(Math.round(people / channels), 1);

/**
 * Simulates all channels in the one room, and one channel in an object of its own. An object per channel costs the calls, rows and time
 * of that object, once for each channel.
 */
export async function channelWaysOf(
  crowd: Crowd,
  channels: number,
  onProgress: (done: number, of: number) => void,
): Promise<ChannelWays> {
  const { people, stayMinutes, beatSeconds } = crowd;
  const inOneRoom = { ...scenarioOf(crowd, 'durable-object'), channels, channelSpread: 'even' as const };
  const inOneChannel = scenarioOf({ ...crowd, people: peopleInChannel(people, channels) }, 'durable-object');
  const scenarios = [inOneRoom, inOneChannel];
  const [room, object] = await runAll(scenarios, (_result, done) => onProgress(done, scenarios.length));
  if (room === undefined || object === undefined)
    throw new Error('There is a result for each scenario, in the same order.');
  const requests = httpRequestsPerSecond(people, beatSeconds, stayMinutes);
  return {
    room: {
      usage: usageOf(requests, undefined, room.roomPerSecond),
      meanErrorPercent: room.meanErrorPercent,
    },
    sockets: withChannelRows(socketsUsage(people, stayMinutes)),
    socketsWithPings: withChannelRows(socketsUsage(people, stayMinutes, beatSeconds)),
    objects: {
      usage: objectsUsage(requests, object.roomPerSecond, channels),
      meanErrorPercent: object.meanErrorPercent,
    },
  };
}

/** What a day uses with an object for each channel, each with these calls and rows. Each object is active all day. */
export function objectsUsage(requestsPerSecond: number, object: RoomRates, channels: number): Usage {
  return sum(usageOf(requestsPerSecond), times(usageOf(0, undefined, object), channels));
}

const withChannelRows = (day: Usage) =>
  sum(day, usageOf(0, undefined, { calls: 0, rows: CHANNEL_ROWS_PER_SECOND }));

function times(day: Usage, factor: number): Usage {
  return Object.fromEntries(ITEMS.map((item) => [item, (day[item] ?? 0) * factor]));
}

function sum(a: Usage, b: Usage): Usage {
  return Object.fromEntries(ITEMS.map((item) => [item, (a[item] ?? 0) + (b[item] ?? 0)]));
}
