import { testClientAtEdges } from './client-at-edges';

testClientAtEdges('kv');
