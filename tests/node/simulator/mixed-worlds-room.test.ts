import { testHundredWorlds } from './mixed-worlds';

testHundredWorlds('durable-object');
