import { sessionId } from '../../support/session-id';
import type { RawRequest } from './raw-http';

/** Stands in whatever hostile rows send, and must not stand in any answer. */
export const MARK = 'peter-and-paul';

/** Is here all the time. Rows that are to be accepted beat with this id, so that the count stays. */
export const RESIDENT = sessionId(1);

export const GOOD_ORIGIN = 'https://good.example';

export interface HostileRow {
  readonly category: string;
  readonly name: string;
  /** Variables of the service, beside those that all rows share. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What is sent before, and answered 200 or 101. */
  readonly before?: readonly RawRequest[];
  readonly expected: Expected;
  readonly sends: RawRequest | SocketMessages | Flood;
  /** The same request with eight times as much in it: its answer may take eight times as long, and not 64 times. */
  readonly eightTimes?: RawRequest;
}

/**
 * `status` with the problem of that code, if it is none of 101, 200 and 204. `refused by server`: the HTTP server in front of the Worker
 * refuses it or hangs up, in its own words. `closeCode`: the one with which the socket is closed. With status 101 the socket stays open.
 */
export type Expected =
  | {
      readonly status: number;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** A part of the body. */
      readonly body?: string;
    }
  | 'refused by server'
  | { readonly closeCode: number };

/** Messages on a live socket, one after the other. */
export interface SocketMessages {
  /** The path that opens the socket, if it is not the default channel's. */
  readonly path?: string;
  readonly messages: readonly (string | Uint8Array<ArrayBuffer>)[];
  /** The counts of these paths while the socket is open. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** Many requests, each of which gets the expected answer. */
export interface Flood {
  readonly flood: readonly RawRequest[];
}

type Rows = readonly (readonly [
  name: string,
  sends: HostileRow['sends'],
  expected: Expected,
  more?: Partial<HostileRow>,
])[];
/** The rows of one category, each with what all of them have in common. */
export const category = (name: string, rows: Rows, common: Partial<HostileRow> = {}): readonly HostileRow[] =>
  rows.map(([row, sends, expected, more]) => ({
    category: name,
    name: row,
    sends,
    expected,
    ...common,
    ...more,
  }));
