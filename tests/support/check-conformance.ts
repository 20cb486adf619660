import { afterAll, afterEach } from 'vitest';
import { takeComplaints } from './complaints';

/** Fails a test that has observed an answer which differs from the OpenAPI document. */
async function checkConformance(): Promise<void> {
  const complaints = await takeComplaints();
  if (complaints.length > 0) throw new Error(`Not as documented:\n${complaints.join('\n')}`);
}

afterEach(checkConformance);
// Otherwise an answer that `afterAll` of a file observes fails a test of the next file.
afterAll(checkConformance);
