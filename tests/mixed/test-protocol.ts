/** Version 1.0, or the version of this working tree. */
export type Version = '1.0' | 'today';

export const BOTH_WAYS: readonly [Version, Version][] = [
  ['1.0', 'today'],
  ['today', '1.0'],
];

/** The header that sets the clock of a Worker (ms since 1970). */
export const CLOCK_HEADER = 'test-clock';
/** The header that names the replica. A Worker holds one replica for each name. */
export const ISOLATE_HEADER = 'test-isolate';
/** The header that names the room object. */
export const ROOM_HEADER = 'test-room';

/** The state of a room that a test can read. */
export interface RoomState {
  readonly version: Version;
  /** The rows of its journal, the oldest first. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** The attachment of each open socket. */
  readonly attachments: readonly unknown[];
  readonly alarmAt: number | null;
  /** The calls of its replicas since the test last read the state, with objects in place of Maps. */
  readonly calls: readonly { readonly report: RoomMessage; readonly answer: RoomMessage }[];
}

/** A write of an isolate to KV. */
export interface Put {
  readonly key: string;
  readonly value: unknown;
  readonly options: unknown;
}

type RoomMessage = Readonly<Record<string, unknown>>;
