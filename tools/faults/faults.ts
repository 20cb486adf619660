import { HOSTILE_FAULTS } from './hostile-faults';
import { SIMULATOR_FAULTS } from './simulator-faults';

/** All faults that `npm run faults` plants. */
export const FAULTS = [...SIMULATOR_FAULTS, ...HOSTILE_FAULTS];
