import { testClientOnPages } from './client-on-pages';

testClientOnPages('durable-object');
