// A client in its own process, so that a test can stop it: `node stopped-peer.mjs <url> <session id>`.
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
