import { testMixedWorlds } from './mixed-worlds';

testMixedWorlds('durable-object');
