import { testClientInTabs } from './client-in-tabs';

testClientInTabs('kv');
