import { testHundredWorlds } from './mixed-worlds';

testHundredWorlds('kv');
