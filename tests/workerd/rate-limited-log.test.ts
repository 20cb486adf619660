import { expect, it } from 'vitest';
import { TROUBLE_LOG_INTERVAL_MS } from '../../src/limits';
import { RateLimitedLog } from '../../src/rate-limited-log';

it('the log writes one line a minute, as JSON, with the number of lines that it left out', () => {
  let now = 0;
  const lines: unknown[] = [];
  const log = new RateLimitedLog(
    () => now,
    (line) => lines.push(JSON.parse(line)),
  );
  for (now = 0; now <= TROUBLE_LOG_INTERVAL_MS; now += 1_000)
    log.report('sync failed', new Error('KV is unavailable'));
  expect(lines).toEqual([
    {
      level: 'warn',
      event: 'trouble',
      trouble: 'sync failed',
      error: 'Error: KV is unavailable',
      unsaidBefore: 0,
    },
    {
      level: 'warn',
      event: 'trouble',
      trouble: 'sync failed',
      error: 'Error: KV is unavailable',
      unsaidBefore: 59,
    },
  ]);
});

it('a trouble without an error has no error in its line', () => {
  const lines: unknown[] = [];
  const log = new RateLimitedLog(
    () => 0,
    (line) => lines.push(JSON.parse(line)),
  );
  log.report('KV is not bound');
  expect(lines).toEqual([{ level: 'warn', event: 'trouble', trouble: 'KV is not bound', unsaidBefore: 0 }]);
});
