import { describe, expect, it } from 'vitest';
import {
  ChannelName,
  channelOf,
  DEFAULT_CHANNEL,
  idOf,
  parseSessionId,
  parseSessionKey,
  sessionKey,
} from '../../../src/presence/session-key';
import { sessionId } from '../../support/session-id';

const ANNA = sessionId(1);
const LONGEST = 'a'.repeat(64);

describe('the key of a session', () => {
  it.each([DEFAULT_CHANNEL, 'lobby', 'default', 'a', LONGEST, 'constructor', '0._-'])(
    'a key contains its channel and its id: %j',
    (channel) => {
      const key = sessionKey(channel, ANNA);
      expect(channelOf(key)).toBe(channel);
      expect(idOf(key)).toBe(ANNA);
      expect(parseSessionKey(key)).toBe(key);
    },
  );

  it('a key of the default channel is the bare id, and a key of another one has its name before a slash', () => {
    expect(sessionKey(DEFAULT_CHANNEL, ANNA)).toBe(ANNA);
    expect(sessionKey('lobby', ANNA)).toBe(`lobby/${ANNA}`);
  });

  it.each([
    '',
    'anna',
    `/${ANNA}`,
    `lobby/`,
    `lobby/anna`,
    `lobby/${ANNA.slice(1)}`,
    `lobby/${ANNA}0`,
    `-lobby/${ANNA}`,
    `lo bby/${ANNA}`,
    `a/b/${ANNA}`,
    `lobby\n/${ANNA}`,
  ])('parseSessionKey returns undefined for a text that is no key: %j', (text) => {
    expect(parseSessionKey(text)).toBeUndefined();
  });

  it('parseSessionKey returns undefined for a key with a channel name of 65 characters', () => {
    expect(parseSessionKey(`${LONGEST}a/${ANNA}`)).toBeUndefined();
  });

  it('parseSessionKey returns an id that version 1.0 stored in capitals in lower case', () => {
    expect(parseSessionKey(ANNA.toUpperCase())).toBe(ANNA);
  });

  it('parseSessionId accepts an id, and no key of a named channel', () => {
    expect(parseSessionId(ANNA)).toBe(ANNA);
    expect(parseSessionId(`lobby/${ANNA}`)).toBeUndefined();
  });
});

describe('the name of a channel', () => {
  it.each(['a', 'Z', '0', 'post-7', 'a.b_c-d', LONGEST, 'default', 'constructor'])(
    'the schema accepts a channel name: %j',
    (name) => {
      expect(ChannelName.safeParse(name).success).toBe(true);
    },
  );

  it.each(['', '.', '..', '-a', '_a', 'a b', 'a/b', 'é', 'a\n', '__proto__', 'a%2fb', 7])(
    'the schema refuses a text that is no channel name: %j',
    (name) => {
      expect(ChannelName.safeParse(name).success).toBe(false);
    },
  );

  it('the schema refuses a channel name of 65 characters', () => {
    expect(ChannelName.safeParse(`${LONGEST}a`).success).toBe(false);
  });
});
