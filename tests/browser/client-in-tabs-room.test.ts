import { testClientInTabs } from './client-in-tabs';

testClientInTabs('durable-object');
