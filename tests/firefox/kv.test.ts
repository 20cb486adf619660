import { testClientInFirefox } from './client-in-firefox';

testClientInFirefox('kv');
