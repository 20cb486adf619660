import { testMixedWorlds } from './mixed-worlds';

testMixedWorlds('kv');
