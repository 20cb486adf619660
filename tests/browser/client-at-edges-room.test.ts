import { testClientAtEdges } from './client-at-edges';

testClientAtEdges('durable-object');
