import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/config';
import { kvTiming, roomTiming } from '../../src/presence/timing';

const PRESENCE_ROOM = {};

describe('the settings', () => {
  it('the settings have defaults', () => {
    expect(parseSettings({})).toEqual({
      hub: 'kv',
      timing: {
        ttlMs: 30_000,
        syncIntervalMs: 10_000,
        refreshMs: 20_000,
        aloneExtensionMs: 80_000,
        endAfterMs: 50_000,
        remoteTtlMs: 70_000,
        tombstoneTtlMs: 150_000,
        abandonMs: 20_000,
        flushes: false,
        leaseMs: 220_000,
        expirationTtlSeconds: 300,
      },
      allowedOrigins: '*',
      limitsNewSessions: true,
      sessionsMax: 50_000,
      presenceCacheSeconds: 0,
      channels: undefined,
      lowered: [],
    });
  });

  it.each([
    ['SESSION_TTL_SECONDS', '2', { timing: kvTiming(2_000, 10_000) }],
    ['SESSION_TTL_SECONDS', '600', { timing: kvTiming(600_000, 10_000) }],
    ['SESSION_TTL_SECONDS', 180, { timing: kvTiming(180_000, 10_000) }],
    ['SYNC_INTERVAL_SECONDS', ' 60 ', { timing: kvTiming(30_000, 60_000) }],
    ['PRESENCE_HUB', 'kv', { hub: 'kv', timing: kvTiming(30_000, 10_000) }],
    ['PRESENCE_HUB', 'durable-object', { hub: 'durable-object', timing: roomTiming(30_000, 1_000) }],
    ['PRESENCE_CACHE_SECONDS', '60', { presenceCacheSeconds: 60 }],
    ['SESSIONS_MAX', '100000', { sessionsMax: 100_000, lowered: [] }],
    ['SESSIONS_MAX', '1', { sessionsMax: 1 }],
    ['NEW_SESSION_LIMIT', 'off', { limitsNewSessions: false }],
    ['NEW_SESSION_LIMIT', 'on', { limitsNewSessions: true }],
    ['ALLOWED_ORIGINS', ' * ', { allowedOrigins: '*' }],
    ['ALLOWED_ORIGINS', 'https://a.example', { allowedOrigins: ['https://a.example'] }],
    [
      'ALLOWED_ORIGINS',
      'HTTPS://A.example/, http://b.example:8080',
      { allowedOrigins: ['https://a.example', 'http://b.example:8080'] },
    ],
    ['ALLOWED_ORIGINS', 'https://a.example:443', { allowedOrigins: ['https://a.example'] }],
    ['ALLOWED_ORIGINS', 'capacitor://localhost/', { allowedOrigins: ['capacitor://localhost'] }],
  ])('the settings accept %s = %j', (name, value, expected) => {
    expect(parseSettings({ PRESENCE_ROOM, [name]: value })).toMatchObject(expected);
  });

  const ttl = 'SESSION_TTL_SECONDS takes a whole number from 2 to 600';
  const channels = 'CHANNELS takes * or a comma list of names and prefixes such as lobby, post-*';
  const origins = 'ALLOWED_ORIGINS takes * or a comma list of origins such as https://example.com';
  it.each([
    ['SESSION_TTL_SECONDS', '1', ttl],
    ['SESSION_TTL_SECONDS', '601', ttl],
    ['SESSION_TTL_SECONDS', '', ttl],
    ['SESSION_TTL_SECONDS', 'abc', ttl],
    ['SESSION_TTL_SECONDS', '30s', ttl],
    ['SESSION_TTL_SECONDS', '2.5', ttl],
    ['SESSION_TTL_SECONDS', '-5', ttl],
    ['SESSION_TTL_SECONDS', '0x1e', ttl],
    ['SESSION_TTL_SECONDS', Number.NaN, ttl],
    ['SESSION_TTL_SECONDS', true, ttl],
    ['SYNC_INTERVAL_SECONDS', '0', 'SYNC_INTERVAL_SECONDS takes a whole number from 1 to 60'],
    ['SYNC_INTERVAL_SECONDS', '61', 'SYNC_INTERVAL_SECONDS takes a whole number from 1 to 60'],
    ['PRESENCE_HUB', '', 'PRESENCE_HUB takes kv or durable-object'],
    ['PRESENCE_HUB', 'Durable-Object', 'PRESENCE_HUB takes kv or durable-object'],
    ['PRESENCE_CACHE_SECONDS', '-1', 'PRESENCE_CACHE_SECONDS takes a whole number from 0 to 60'],
    ['PRESENCE_CACHE_SECONDS', '61', 'PRESENCE_CACHE_SECONDS takes a whole number from 0 to 60'],
    ['SESSIONS_MAX', '0', 'SESSIONS_MAX takes a whole number from 1 to 250000'],
    ['SESSIONS_MAX', '250001', 'SESSIONS_MAX takes a whole number from 1 to 250000'],
    ['NEW_SESSION_LIMIT', 'Off', 'NEW_SESSION_LIMIT takes on or off'],
    ['NEW_SESSION_LIMIT', '1000', 'NEW_SESSION_LIMIT takes on or off'],
    ['ALLOWED_ORIGINS', '', origins],
    ['ALLOWED_ORIGINS', 'example.com', origins],
    ['ALLOWED_ORIGINS', 'null', origins],
    ['ALLOWED_ORIGINS', 'https://a.example/path', origins],
    ['ALLOWED_ORIGINS', 'https://a.example, *', origins],
    ['ALLOWED_ORIGINS', 'https://*.a.example', origins],
    ['ALLOWED_ORIGINS', 'https://a.example\\evil', origins],
    ['ALLOWED_ORIGINS', 'https://a.\texample', origins],
    ['ALLOWED_ORIGINS', 'https://%41.example', origins],
    ['ALLOWED_ORIGINS', 'file://x', origins],
    ['ALLOWED_ORIGINS', 'https://user:pass@a.example', origins],
    ['ALLOWED_ORIGINS', 'https://a.example,', origins],
    ['CHANNELS', '', channels],
    ['CHANNELS', 'lobby,', channels],
    ['CHANNELS', 'lobby,,post', channels],
    ['CHANNELS', '-lobby', channels],
    ['CHANNELS', '__proto__', channels],
    ['CHANNELS', 'post*7', channels],
    ['CHANNELS', 'post-**', channels],
    ['CHANNELS', 'lobby post', channels],
    ['CHANNELS', 'a'.repeat(65), channels],
    ['CHANNELS', true, channels],
    ['CHANNELS', '*', 'CHANNELS needs PRESENCE_HUB durable-object'],
    ['CHANNELS', 'lobby, post-*', 'CHANNELS needs PRESENCE_HUB durable-object'],
    ['CHANNELS_MAX', '0', 'CHANNELS_MAX takes a whole number from 1 to 10000'],
    ['CHANNELS_MAX', '10001', 'CHANNELS_MAX takes a whole number from 1 to 10000'],
  ])('the settings refuse %s = %j, and the message names the accepted values', (name, value, message) => {
    expect(() => parseSettings({ [name]: value })).toThrow(new Error(`Wrong setting: ${message}.`));
  });

  it.each([
    ['lobby, post-*', ['lobby', 'post-', 'post-7'], ['Lobby', 'lobby2', 'post', 'hall'], ['lobby'], true],
    [' lobby ,hall', ['lobby', 'hall'], ['lobby2'], ['lobby', 'hall'], false],
    ['*', ['lobby', 'constructor'], [], [], true],
    ['*, lobby', ['lobby', 'hall'], [], ['lobby'], true],
  ])('the setting CHANNELS = %j allows and lists channels', (list, allowed, refused, listed, hasPrefixes) => {
    const variables = { PRESENCE_ROOM, PRESENCE_HUB: 'durable-object', CHANNELS: list };
    const { channels: rules } = parseSettings(variables);
    expect(allowed.filter((name) => rules?.allows(name))).toEqual(allowed);
    expect(refused.filter((name) => rules?.allows(name))).toEqual([]);
    expect([...allowed, ...refused].filter((name) => rules?.isListed(name))).toEqual(listed);
    expect(rules).toMatchObject({ hasPrefixes, max: 1_000 });
    expect(parseSettings({ ...variables, CHANNELS_MAX: '7' }).channels?.max).toBe(7);
  });

  it('a replica syncs with the room at the interval of the settings', () => {
    const settings = parseSettings({
      PRESENCE_ROOM,
      PRESENCE_HUB: 'durable-object',
      SYNC_INTERVAL_SECONDS: '2',
    });
    expect(settings.timing).toEqual(roomTiming(30_000, 2_000));
  });

  it.each([
    ['11', undefined],
    ['2', '2'],
  ])('the settings refuse a sync with the room every %s s, as version 1.0 does', (interval, ttl) => {
    const wrong = {
      PRESENCE_ROOM,
      PRESENCE_HUB: 'durable-object',
      SYNC_INTERVAL_SECONDS: interval,
      SESSION_TTL_SECONDS: ttl,
    };
    const message =
      'SYNC_INTERVAL_SECONDS takes less than a quarter of SESSION_TTL_SECONDS with PRESENCE_HUB durable-object';
    expect(() => parseSettings(wrong)).toThrow(new Error(`Wrong setting: ${message}.`));
    expect(() => parseSettings({ ...wrong, SYNC_INTERVAL_SECONDS: '1' })).not.toThrow();
    expect(() => parseSettings({ ...wrong, PRESENCE_HUB: 'kv' })).not.toThrow();
  });

  it.each([
    ['30', '10', 7_250],
    ['30', '8', 7_250],
    ['30', '7', 7_000],
    ['6', '2', 1_250],
    ['4', '1', 750],
    ['3', '1', 500],
    ['2', '1', 250],
  ])(
    'a replica with the room and a TTL of %s s syncs every %s s, or more often if a session needs that',
    (ttl, interval, ms) => {
      const variables = { PRESENCE_ROOM, PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: ttl };
      const { timing, lowered } = parseSettings({ ...variables, SYNC_INTERVAL_SECONDS: interval });
      expect(timing).toEqual(roomTiming(Number(ttl) * 1000, ms));
      const isLowered = Number(interval) * 1000 > ms;
      expect(lowered).toEqual(
        isLowered ? [expect.stringContaining(`SYNC_INTERVAL_SECONDS to ${ms / 1000}`)] : [],
      );
    },
  );

  it.each([
    ['2', 250],
    ['3', 500],
    ['4', 750],
    ['5', 1_000],
  ])('a replica with the room and a TTL of %s s syncs every %d ms if no interval is set', (ttl, ms) => {
    const variables = { PRESENCE_ROOM, PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: ttl };
    expect(parseSettings(variables)).toMatchObject({
      timing: roomTiming(Number(ttl) * 1000, ms),
      lowered: [],
    });
  });

  it.each(['100001', '250000'])(
    'the settings lower %s sessions, which version 1.0 accepts, and report that',
    (SESSIONS_MAX) => {
      expect(parseSettings({ SESSIONS_MAX })).toMatchObject({
        sessionsMax: 100_000,
        lowered: ['SESSIONS_MAX to 100000, because a sync of more sessions exceeds the memory'],
      });
    },
  );

  it('the settings refuse the room without its binding', () => {
    const message = 'PRESENCE_HUB durable-object needs the binding PRESENCE_ROOM';
    expect(() => parseSettings({ PRESENCE_HUB: 'durable-object' })).toThrow(
      new Error(`Wrong setting: ${message}.`),
    );
  });

  it('the message names all wrong settings at once', () => {
    const wrong = { SESSION_TTL_SECONDS: 'x', PRESENCE_CACHE_SECONDS: 'y' };
    expect(() => parseSettings(wrong)).toThrow(/SESSION_TTL_SECONDS .*; PRESENCE_CACHE_SECONDS /);
  });
});
