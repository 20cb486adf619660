// The look of the page. here.js counts. This script loads all others, otherwise the number can appear before its words.
import { presence } from '/here.js';
import '/words.js';
import '/day.js';
import '/circle.js';

const BREATH_MS = 10_000;
/** Two breaths with a smaller difference look the same. */
const OFF_MAX_MS = 60;

const { body } = document;
const pause = document.querySelector('#pause');

/** All pages breathe by the clock of the server, or by their own clock before the first answer. */
function keepTime() {
  if (body.classList.contains('paused')) return;
  // The start of a breath. A new `currentTime` instead counts from the next frame, which is late on a busy device.
  const startMs = (performance.now() - presence.serverNow()) % BREATH_MS;
  for (const animation of document.getAnimations()) {
    if (animation.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY) continue;
    // A new animation has no start time yet.
    const offMs = Math.abs(((animation.startTime ?? Number.NaN) - startMs) % BREATH_MS);
    if (!(Math.min(offMs, BREATH_MS - offMs) <= OFF_MAX_MS)) animation.startTime = startMs;
  }
}

const orb = document.querySelector('.orb');
/**
 * Sets each mood's share of all people, and the share of the moods before it. A calm orb has the pale colours of all moods. Shares are
 * whole hundredths. Otherwise each change in a crowd moves the lights for 2 s, and they never stop.
 */
function tint({ count, moods }) {
  orb.classList.toggle('calm', count === 0);
  for (const parent of document.querySelectorAll('.lights, .moods')) {
    const parts = [...parent.querySelectorAll('[data-mood]')];
    const shareOfNone = parent.matches('.lights') ? 1 / parts.length : 0;
    let [before, end] = [0, 0];
    for (const { style, dataset } of parts) {
      end += count === 0 ? shareOfNone : moods[dataset.mood] / count;
      const until = Math.round(end * 100) / 100;
      style.setProperty('--share', until - before);
      style.setProperty('--before', before);
      before = until;
    }
  }
}

const ring = document.querySelector('.ring');
let shown;
/** A ring leaves the orb when the count grows, and returns to it when the count falls. */
function showChange({ count }) {
  if (shown !== undefined && count !== shown) ring.className = `ring ${count > shown ? 'more' : 'fewer'}`;
  shown = count;
}
ring.addEventListener('animationend', () => {
  ring.className = 'ring';
});

tint({ count: 0 });
presence.subscribe(({ data }) => {
  if (data !== null) {
    tint(data);
    showChange(data);
  }
  keepTime();
});

pause.addEventListener('click', () => {
  const paused = body.classList.toggle('paused');
  pause.setAttribute('aria-pressed', paused);
  keepTime();
});

document.querySelector('#origin').textContent = location.origin;
document.querySelector('#show-code').addEventListener('click', async () => {
  document.querySelector('#code').showModal();
  const file = await fetch('/here.js');
  document.querySelector('#source').textContent = await file.text();
});
