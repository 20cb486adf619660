// @vitest-environment jsdom
import { testComponents } from './components';

testComponents();
