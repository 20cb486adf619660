import { afterEach } from 'vitest';
import { takeObservations } from './observations';

afterEach(async ({ task }) => {
  task.meta.observations = await takeObservations();
});
