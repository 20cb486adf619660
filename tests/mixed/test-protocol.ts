/** Version 1.0, or the version of this working tree. */
export type Version = '1.0' | 'today';

/** The header that sets the clock of a Worker (ms since 1970). */
export const CLOCK_HEADER = 'test-clock';
/** The header that names the replica: a Worker holds one for each name. */
export const ISOLATE_HEADER = 'test-isolate';
/** The header that names the room object. */
export const ROOM_HEADER = 'test-room';

/** What a test sees of a room. */
export interface RoomState {
  readonly version: Version;
  /** The rows of its journal, the oldest first. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** What is kept with each open socket. */
  readonly attachments: readonly unknown[];
  readonly alarmAt: number | null;
  /** The calls of its replicas since the test looked last, with objects in place of Maps. */
  readonly calls: readonly { readonly report: RoomMessage; readonly answer: RoomMessage }[];
}

/** What an isolate wrote into KV. */
export interface Put {
  readonly key: string;
  readonly value: unknown;
  readonly options: unknown;
}

type RoomMessage = Readonly<Record<string, unknown>>;
