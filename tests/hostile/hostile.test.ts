import { afterAll, describe, expect, it } from 'vitest';
import { observe } from '../openapi/observations';
import { HostileService } from './hostile-service';
import { HOSTILE_TABLE } from './hostile-table';
import type { RawAnswer, RawRequest } from './raw-http';

const services = new Map<string, HostileService>();

const hear = ({ method, path }: RawRequest, answer: RawAnswer) =>
  observe(method, new URL(`http://localhost${path}`), answer, answer.body);

/** The bundle, as it is deployed, with the variables that a row wants. */
function serviceFor(variables: Readonly<Record<string, string>> = {}): HostileService {
  const key = JSON.stringify(variables);
  const service = services.get(key) ?? new HostileService('dist/index.js', variables, hear);
  services.set(key, service);
  return service;
}

afterAll(async () => {
  for (const service of services.values()) await service.dispose();
});

const categories = new Set(HOSTILE_TABLE.map(({ category }) => category));

describe.each([...categories])('hostile %s', (name) => {
  const rows = HOSTILE_TABLE.filter(({ category }) => category === name);

  it.each(rows)('$name', async (row) => {
    expect(await serviceFor(row.variables).complaints(row)).toEqual([]);
  });
});

it('none of it is worth a line in the log, which is billed by the line', () => {
  // Those of the rows above, which have been sent by now.
  expect(services.size).toBeGreaterThan(1);
  for (const { log } of services.values()) expect(log).toBe('');
});
