import { bodyOf, observe } from './observations';

// What comes by `fetch` in Node is noted; other clients tell of their answers themselves.
const { fetch } = globalThis;
globalThis.fetch = async (input, init) => {
  const answer = await fetch(input, init);
  const url = new URL(input instanceof Request ? input.url : input);
  observe(init?.method ?? 'GET', url, answer, bodyOf(answer));
  return answer;
};
