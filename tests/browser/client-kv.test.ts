import { describeClient } from './client-suite';

describeClient('kv');
