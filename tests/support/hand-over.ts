import { afterEach } from 'vitest';
import { takeObservations } from './observations';

afterEach(async ({ task }) => {
  // It may be the second time that this one runs.
  const before = task.meta.observations ?? [];
  task.meta.observations = [...before, ...(await takeObservations())];
});
