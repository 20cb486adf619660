/** An answer of the service that some test has seen. */
export interface Observation {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

declare module 'vitest' {
  interface TaskMeta {
    /** What the test saw that none before it did, for the reporter that judges it. */
    observations?: readonly Observation[];
  }
}

/** What every kind of client has of an answer. */
interface Head {
  readonly status: number;
  readonly headers: { forEach(visit: (value: string, name: string) => void): void };
}

interface Readable {
  clone(): { text(): Promise<string> };
}

const seen = new Set<string>();
let reading: Promise<void>[] = [];
let fresh: Observation[] = [];

/** Notes an answer. Of bodies that differ by numbers only one is noted: a flood is one observation. */
export function observe(method: string, url: URL, head: Head, body: string | Promise<string>): void {
  reading.push(Promise.resolve(body).then((text) => note(method, url, head, text)));
}

/** The same of an answer that its receiver has yet to read. */
export function observeResponse(method: string, url: URL, answer: Head & Readable): void {
  // A handshake has no body, and cannot be cloned.
  observe(method, url, answer, answer.status === 101 ? '' : answer.clone().text());
}

function note(method: string, url: URL, { status, headers: sent }: Head, body: string): void {
  const headers: Record<string, string> = {};
  sent.forEach((value, name) => {
    headers[name.toLowerCase()] = value;
  });
  const observation = { method, path: url.pathname, status, headers, body };
  const kind = JSON.stringify({ ...observation, body: body.replace(/\d+/g, '0') });
  if (seen.has(kind)) return;
  seen.add(kind);
  fresh.push(observation);
}

/** What was noted since the last time. */
export async function takeObservations(): Promise<readonly Observation[]> {
  const read = reading;
  reading = [];
  await Promise.all(read);
  const taken = fresh;
  fresh = [];
  return taken;
}
