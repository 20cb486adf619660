import { expect, it } from 'vitest';
import { TROUBLE_LOG_INTERVAL_MS } from '../../src/limits';
import { RateLimitedLog } from '../../src/rate-limited-log';

it('trouble is told once a minute, as JSON, with how often it was not', () => {
  let now = 0;
  const lines: unknown[] = [];
  const log = new RateLimitedLog(
    () => now,
    (line) => lines.push(JSON.parse(line)),
  );
  for (now = 0; now <= TROUBLE_LOG_INTERVAL_MS; now += 1_000)
    log.report('sync failed', new Error('KV is away'));
  expect(lines).toEqual([
    {
      level: 'warn',
      event: 'trouble',
      trouble: 'sync failed',
      error: 'Error: KV is away',
      unsaidBefore: 0,
    },
    {
      level: 'warn',
      event: 'trouble',
      trouble: 'sync failed',
      error: 'Error: KV is away',
      unsaidBefore: 59,
    },
  ]);
});

it('trouble without an error behind it names none', () => {
  const lines: unknown[] = [];
  const log = new RateLimitedLog(
    () => 0,
    (line) => lines.push(JSON.parse(line)),
  );
  log.report('KV is not bound');
  expect(lines).toEqual([{ level: 'warn', event: 'trouble', trouble: 'KV is not bound', unsaidBefore: 0 }]);
});
