import { describeClient } from './client-suite';

describeClient('durable-object');
