import { describe, expect, it } from 'vitest';
import { objectsUsage } from '../../../tools/simulator/cost/channel-ways';
import { sizeOf } from '../../../tools/simulator/cost/crowd-size';
import { channelEstimateOf, estimateOf } from '../../../tools/simulator/cost/estimate';
import { billAMonth, firstFreeLimit, hubDollarsAMonth, monthOf } from '../../../tools/simulator/prices';
import { httpRequestsPerSecond, socketsUsage, usageOf } from '../../../tools/simulator/usage';

const heartbeats = (people: number) => usageOf(people / 10);
const visits = (people: number) => usageOf(httpRequestsPerSecond(people, 10, 30));

describe('bills of 1,000 people', () => {
  it('1,000 people cost $75 a month for Worker requests by HTTP, and $5 for CPU time', () => {
    expect(monthOf(heartbeats(1_000), 'workerRequests').dollars).toBeCloseTo(74.76, 2);
    expect(monthOf(heartbeats(1_000), 'workerCpuMs').dollars).toBeCloseTo(4.58, 2);
  });

  it('1,000 people cost $1,500 a month if every heartbeat reads and writes KV', () => {
    expect(billAMonth(usageOf(100, { reads: 100, writes: 100, lists: 0 }))).toBeCloseTo(1_499.94, 1);
  });

  it('1,000 people cost $5.09 a month by live sockets, or $7.03 if answered pings are billed', () => {
    expect(billAMonth(socketsUsage(1_000, 30))).toBeCloseTo(5.09, 2);
    expect(billAMonth(socketsUsage(1_000, 30, 10))).toBeCloseTo(7.03, 2);
  });
});

it('the list price of a hub includes neither the plan nor Worker requests', () => {
  expect(hubDollarsAMonth(usageOf(100))).toBe(0);
  expect(hubDollarsAMonth(usageOf(0, undefined, { calls: 1, rows: 0 }))).toBeCloseTo(0.39 + 4.15, 2);
});

describe('the free plan', () => {
  it('the free plan is enough for 11 people by HTTP around the clock, and not for 12', () => {
    expect(firstFreeLimit(visits(11))).toBeUndefined();
    expect(firstFreeLimit(visits(12))?.what).toBe('Worker requests');
  });

  it('the free plan is enough for 1,900 people on live sockets, or 200 if answered pings are billed', () => {
    expect(firstFreeLimit(socketsUsage(1_900, 30))).toBeUndefined();
    expect(firstFreeLimit(socketsUsage(2_000, 30))?.what).toBe('requests to the object');
    expect(firstFreeLimit(socketsUsage(200, 30, 10))).toBeUndefined();
    expect(firstFreeLimit(socketsUsage(250, 30, 10))?.what).toBe('requests to the object');
  });

  it('the free plan ends with the limit that is reached first', () => {
    const day = { kvWrites: 2_000, kvLists: 4_000, kvReads: 1 };
    expect(firstFreeLimit(day)).toEqual({ what: 'KV lists', after: 0.25 });
  });
});

it('a crowd of two hours a day uses a twelfth, and reaches its limits within those two hours', () => {
  const usage = usageOf(12_000 / 86_400 / 12, { reads: 0, writes: 48_000 / 86_400, lists: 0 });
  const result = { usage, meanErrorPercent: 0 };
  const ways = { kv: result, room: result, sockets: {}, socketsWithPings: {} };
  const { free } = estimateOf(ways, 2);
  expect(free).toContainEqual(['KV writes, of 1,000', '4,000', '4,000', '-']);
  expect(free).toContainEqual(['ends first', 'KV writes', 'KV writes', '-']);
  expect(free).toContainEqual(['after', '30 min', '30 min', 'never']);
});

it('an object per channel is billed for the requests, the rows and the time of each object', () => {
  const rates = { calls: 1, rows: 0.4 };
  const objects = objectsUsage(100, rates, 100);
  expect(objects).toMatchObject({ workerRequests: 100 * 86_400, objectRequests: 100 * 86_400 });
  expect(objects.objectRows).toBeCloseTo(40 * 86_400, 5);
  // 33 million GB-s, of which the plan includes 400,000.
  expect(monthOf(objects, 'objectGbSeconds').dollars).toBeCloseTo(409.72, 2);
});

it('the estimate of channels has a column for an object per channel, and pings only for live sockets', () => {
  const usage = usageOf(0, undefined, { calls: 1, rows: 0 });
  const room = { usage, meanErrorPercent: 0.1 };
  const objects = { usage: objectsUsage(0, { calls: 1, rows: 0 }, 100), meanErrorPercent: 0.02 };
  const { paid } = channelEstimateOf({ room, objects, sockets: usage, socketsWithPings: usage }, 24);
  expect(paid[0]?.slice(1)).toEqual([
    'the room, by HTTP',
    'by live sockets',
    'an object per channel, by HTTP',
  ]);
  expect(paid).toContainEqual(['the whole bill', '$5.24', '$5.24', '$453']);
  expect(paid).toContainEqual(['if answered pings were billed', '', '$5.24', '']);
  expect(paid).toContainEqual(['mean error of the count', '0.10 %', '', '0.02 %']);
});

it('a crowd has as many isolates as the next larger one', () => {
  expect(sizeOf(5)).toEqual({ people: 5, locations: 1, isolates: 1 });
  expect(sizeOf(6)).toEqual({ people: 20, locations: 2, isolates: 1 });
  expect(sizeOf(9_000)).toEqual({ people: 3_000, locations: 30, isolates: 4 });
});
