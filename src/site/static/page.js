// The look of the page, and its sentences for screen readers. here.js counts.
import { channel, presence } from '/here.js';

const BREATH_MS = 10_000;
/** A smaller difference between two breaths is invisible. */
const OFF_MAX_MS = 60;
/** Between two sentences with a number. A screen reader would otherwise interrupt its user at every change. */
const SPOKEN_EVERY_MS = 30_000;
/** Most first answers arrive earlier. "Connecting" is then neither shown nor spoken. */
const LATE_MS = 2_000;

const { body, documentElement } = document;
const { lang } = documentElement;
const { format } = new Intl.NumberFormat(lang);
const pause = document.querySelector('#pause');

/** All pages breathe by the clock of the server, or by their own clock before the first answer. */
function keepTime() {
  if (body.classList.contains('paused')) return;
  const phaseMs = presence.serverNow() % BREATH_MS;
  for (const animation of document.getAnimations()) {
    if (animation.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY) continue;
    const offMs = Math.abs((animation.currentTime % BREATH_MS) - phaseMs);
    if (Math.min(offMs, BREATH_MS - offMs) > OFF_MAX_MS) animation.currentTime = phaseMs;
  }
}

/** Sets each mood's share of all people, and the share of the moods before it, on the lights and the buttons. */
function tint({ count, moods }) {
  for (const parent of document.querySelectorAll('.lights, .moods')) {
    let before = 0;
    for (const { style, dataset } of parent.querySelectorAll('[data-mood]')) {
      const share = count === 0 ? 0 : moods[dataset.mood] / count;
      style.setProperty('--share', share);
      style.setProperty('--before', before);
      before += share;
    }
  }
}

const number = document.querySelector('#count');
const ring = document.querySelector('.ring');
let shown;
/** A ring leaves the orb when the count grows, and returns to it when the count falls. */
function showChange({ count }) {
  number.style.setProperty('--length', number.textContent.length);
  if (shown !== undefined && count !== shown) ring.className = `ring ${count > shown ? 'more' : 'fewer'}`;
  shown = count;
}
ring.addEventListener('animationend', () => {
  ring.className = 'ring';
});

const time = document.querySelector('#counted-at');
function showTime({ timestamp }) {
  time.textContent = new Date(timestamp).toLocaleTimeString(lang, { hour: 'numeric', minute: '2-digit' });
}

function sentence({ status, data }) {
  if (status === 'idle') return 'There is no such circle.';
  if (data === null) return 'Connecting.';
  const people = data.count === 1 ? '1 person' : `${format(data.count)} people`;
  if (status !== 'live') return `Reconnecting. The last count was ${people}.`;
  return `${people} ${data.count === 1 ? 'is' : 'are'} breathing${channel && ' in this circle'}.`;
}

const spoken = document.querySelector('#status');
let speaking;
let lastStatus;
let numberSpokenAt = 0;
/** Speaks the sentence of the moment, soon after the status changes and seldom after the number changes. */
function speak({ status }) {
  if (status !== lastStatus) {
    clearTimeout(speaking);
    speaking = undefined;
  }
  lastStatus = status;
  if (speaking !== undefined || spoken.textContent === sentence(presence.getSnapshot())) return;
  const isNumber = status === 'live';
  const waitMs = isNumber ? Math.max(LATE_MS, numberSpokenAt + SPOKEN_EVERY_MS - Date.now()) : LATE_MS;
  speaking = setTimeout(() => {
    speaking = undefined;
    spoken.textContent = sentence(presence.getSnapshot());
    numberSpokenAt = isNumber ? Date.now() : 0;
  }, waitMs);
}

presence.subscribe((snapshot) => {
  if (snapshot.data !== null) {
    tint(snapshot.data);
    showChange(snapshot.data);
    showTime(snapshot.data);
  }
  keepTime();
  speak(snapshot);
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
