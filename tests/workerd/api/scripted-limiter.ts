/** A limiter that gives the answer of the test, and keeps the key of each call. */
export class ScriptedLimiter implements RateLimit {
  readonly keys: string[] = [];
  answer: () => Promise<RateLimitOutcome> = () => Promise.resolve({ success: true });

  limit({ key }: RateLimitOptions): Promise<RateLimitOutcome> {
    this.keys.push(key);
    return this.answer();
  }
}
