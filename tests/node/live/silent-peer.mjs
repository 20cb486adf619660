// A guest in a process of its own, so that a test can stop it: `node silent-peer.mjs <url> <session id>`.
const [url, sessionId] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.addEventListener('open', () => {
  socket.send(JSON.stringify({ sessionId, mood: 'release' }));
  setInterval(() => socket.send('ping'), 300);
});
socket.addEventListener('message', ({ data }) => console.log(data));
socket.addEventListener('close', ({ code, reason }) => {
  console.log(`closed ${code} ${reason}`);
  process.exit();
});
