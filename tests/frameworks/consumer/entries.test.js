// A test in a project with Jest. Jest loads CommonJS, and compiles no package.
test('the client, the hook and the element load', () => {
  const { createPresence } = require('breathe-together-presence-client');
  const { usePresence } = require('breathe-together-presence-client/react');
  const { PresenceCount } = require('breathe-together-presence-client/element');
  expect(createPresence().getSnapshot().status).toBe('idle');
  expect(typeof usePresence).toBe('function');
  expect(typeof PresenceCount).toBe('function');
});
