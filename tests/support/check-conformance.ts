import { afterAll, afterEach } from 'vitest';
import { takeComplaints } from './complaints';

/** Fails the test that observed an answer which differs from the OpenAPI document. */
async function checkConformance(): Promise<void> {
  const complaints = await takeComplaints();
  if (complaints.length > 0) throw new Error(`Not as documented:\n${complaints.join('\n')}`);
}

afterEach(checkConformance);
// Otherwise an answer that `afterAll` of a file observes would fail a test of the next file in the same isolate.
afterAll(checkConformance);
