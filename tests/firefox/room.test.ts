import { testClientInFirefox } from './client-in-firefox';

testClientInFirefox('durable-object');
