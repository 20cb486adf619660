import { sessionId } from '../../support/session-id';
import type { RawRequest } from './raw-http';

/** The requests of hostile rows contain this text. No answer may contain it. */
export const MARK = 'peter-and-paul';

/** The session with this id is present in every row. Accepted heartbeats have this id, so the count does not change. */
export const PRESENT_ID = sessionId(1);

export const GOOD_ORIGIN = 'https://good.example';

export interface HostileRow {
  readonly category: string;
  readonly name: string;
  /** Variables of the service, beside those that all rows share. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The service gets these requests before, and answers them with 200 or 101. */
  readonly before?: readonly RawRequest[];
  readonly expected: Expected;
  readonly sends: RawRequest | SocketMessages | Flood;
  /** The same request with eight times the length. Its answer may take eight times as long, and not 64 times. */
  readonly eightTimes?: RawRequest;
}

/**
 * `status`: the answer has this status, and the problem of `code` unless it is 101, 200 or 204. With 101 the socket stays open.
 * `refused by server`: the HTTP server in front of the Worker refuses the request or closes the connection.
 * `closeCode`: the socket is closed with this code.
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
/** Returns the rows of one category. Each row gets the fields of `common`. */
export const category = (name: string, rows: Rows, common: Partial<HostileRow> = {}): readonly HostileRow[] =>
  rows.map(([row, sends, expected, more]) => ({
    category: name,
    name: row,
    sends,
    expected,
    ...common,
    ...more,
  }));
