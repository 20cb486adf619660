/** The time at which the clock of a recording starts. `npm run test:mixed -- -u` records the data that version 1.0 wrote and sent. */
export const RECORDED_AT = Date.UTC(2040, 0, 1, 12);

/** A step of a recording. Each isolate and each socket has a number. */
export type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | {
      readonly do: 'heartbeat';
      readonly isolate: number;
      readonly sessionId: string;
      readonly mood: string;
    }
  | { readonly do: 'leave'; readonly isolate: number; readonly sessionId: string }
  /** A read that starts a sync and waits for its end. */
  | { readonly do: 'sync'; readonly isolate: number }
  | { readonly do: 'open'; readonly socket: number }
  | {
      readonly do: 'send';
      readonly socket: number;
      readonly message: { readonly sessionId?: string; readonly mood: string };
    }
  /** The call of an isolate to the room, which follows the step that caused it. */
  | { readonly do: 'call'; readonly report: RecordedReport; readonly answer: RecordedAnswer };

/** An RPC message with objects in place of Maps. The epoch of the room is `epoch`. */
export interface RecordedReport {
  readonly known?: RecordedVersion;
  readonly heard: RecordedSessions;
}

export interface RecordedAnswer {
  readonly version: RecordedVersion;
  readonly isAll: boolean;
  readonly sessions: RecordedSessions;
}

interface RecordedVersion {
  readonly epoch: string;
  readonly number: number;
}

type RecordedSessions = Readonly<Record<string, { readonly mood: string | null; readonly lastSeen: number }>>;

/** The value that the isolates of one location stored in KV after these steps. */
export interface RecordedKv {
  readonly steps: readonly Step[];
  readonly key: string;
  readonly value: RecordedSessions;
  readonly options: {
    readonly expirationTtl: number;
    readonly metadata: {
      readonly at: number;
      readonly until: number;
      readonly moods: Readonly<Record<string, number>>;
    };
  };
}

/** The rows and the attachments that a room stored after these steps. */
export interface RecordedRoom {
  readonly steps: readonly Step[];
  readonly rows: readonly { readonly saved_at: number; readonly sessions: string; readonly told: string }[];
  readonly attachments: readonly unknown[];
}
