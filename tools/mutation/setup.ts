import * as fc from 'fast-check';

/** Requests as the platform makes them: with `cf`, and with a body that may be a stream without further ado. */
class PlatformRequest extends Request {
  constructor(input: RequestInfo | URL, init: RequestInit = {}) {
    const options: RequestInit & { duplex?: 'half' } = { duplex: 'half', ...init };
    super(input, options);
    Object.assign(this, { cf: init.cf ?? (input instanceof Request ? input.cf : undefined) });
  }
}

class Pair {
  readonly request: string;
  readonly response: string;

  constructor(request: string, response: string) {
    this.request = request;
    this.response = response;
  }
}
Object.assign(globalThis, { Request: PlatformRequest, WebSocketRequestResponsePair: Pair });

// The same cases for every mutant, so that two runs say the same; and the first one that fails will do.
fc.configureGlobal({ seed: 1, endOnFailure: true });
