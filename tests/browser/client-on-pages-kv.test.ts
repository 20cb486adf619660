import { testClientOnPages } from './client-on-pages';

testClientOnPages('kv');
