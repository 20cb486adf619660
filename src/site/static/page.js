// How the page looks and sounds. Who is here it learns from here.js.
import { presence } from '/here.js';

const BREATH_MS = 10_000;
const SPOKEN_EVERY_MS = 30_000;
/** The eye does not see that a breath is off by less. */
const OFF_MAX_MS = 60;

const { body } = document;
const pause = document.querySelector('#pause');

/** Everybody breathes by the server's clock. */
function keepTime() {
  if (body.classList.contains('paused')) return;
  const phaseMs = presence.serverNow() % BREATH_MS;
  for (const animation of document.getAnimations()) {
    if (animation.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY) continue;
    const offMs = Math.abs((animation.currentTime % BREATH_MS) - phaseMs);
    if (Math.min(offMs, BREATH_MS - offMs) > OFF_MAX_MS) animation.currentTime = phaseMs;
  }
}

const tinted = document.querySelectorAll('[data-mood]');
/** Sets how strong the colour of each mood is: its share of all sessions. */
function tint({ count, moods }) {
  for (const { style, dataset } of tinted) {
    style.setProperty('--share', count === 0 ? 0 : moods[dataset.mood] / count);
  }
}

function sentence() {
  const { status, data } = presence.getSnapshot();
  if (status !== 'live') return 'Reconnecting.';
  return data.count === 1 ? '1 person is breathing.' : `${data.count} people are breathing.`;
}

const status = document.querySelector('#status');
let spokenAt = 0;
let speaking;
/** Tells people who hear the page how many are here, now and then. */
function speak() {
  if (speaking !== undefined || status.textContent === sentence()) return;
  speaking = setTimeout(
    () => {
      speaking = undefined;
      spokenAt = Date.now();
      status.textContent = sentence();
    },
    spokenAt + SPOKEN_EVERY_MS - Date.now(),
  );
}

// Until the server has told its time, by this device's clock.
keepTime();
presence.subscribe((snapshot) => {
  if (snapshot.data !== null) tint(snapshot.data);
  keepTime();
  speak();
});

pause.addEventListener('click', () => {
  const paused = body.classList.toggle('paused');
  pause.setAttribute('aria-pressed', paused);
  keepTime();
});

const code = document.querySelector('#code');
document.querySelector('#origin').textContent = location.origin;
document.querySelector('#show-code').addEventListener('click', async () => {
  code.showModal();
  const file = await fetch('/here.js');
  code.querySelector('code').textContent = await file.text();
});
