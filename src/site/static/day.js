// The last 24 hours: the sentence below the number, and the line. Only a service with the room has them, and a circle has none.
import { curveOf } from '/curve.js';
import { channel, presence } from '/here.js';
import { hasRoom } from '/service.js';
import { crowdOf, sentences } from '/words.js';

/** Each read of the history is a billed request. With five minutes, a visit on a live socket costs eight times as many. */
const REFRESH_MS = 1_800_000;
/** The caches of the browser and of the service keep an answer for a minute each. The first answer can lack this visit. */
const CACHED_MS = 120_000;

const note = document.querySelector('#note');
const day = document.querySelector('#day');
const [area, line, now] = day.querySelectorAll('path');
const { width, height } = day.viewBox.baseVal;

let history = null;
let cameAt = null;
let isDue = channel === '';
/** Whether the first read has ended. Otherwise a sentence without the history appears, and another one replaces it. */
let isSettled = !isDue;

function show() {
  const snapshot = presence.getSnapshot();
  if (snapshot.data === null || !isSettled) return;
  const { count, isCounted, others } = crowdOf(snapshot);
  note.textContent = sentences.note({ isCounted, others, history, cameAt });
  note.style.setProperty('--length', note.textContent.length);
  if (history === null) return;
  const curve = curveOf(history.counts, count, { width, height });
  area.setAttribute('d', curve.area);
  line.setAttribute('d', curve.line);
  now.setAttribute('d', curve.now);
  day.setAttribute('aria-label', sentences.day({ history, count }));
  day.classList.add('drawn');
}

/** Reads the history if it is due and the page is visible, and sets a timer for the next read. */
async function refresh() {
  if (!isDue || document.hidden || cameAt === null) return;
  isDue = false;
  const has = await hasRoom();
  if (has) history = (await presence.history()) ?? history;
  isSettled = true;
  show();
  if (has === false) return;
  const isNew = history !== null && history.timestamp > cameAt;
  setTimeout(
    () => {
      isDue = true;
      void refresh();
    },
    isNew ? REFRESH_MS : CACHED_MS,
  );
}

document.addEventListener('visibilitychange', refresh);
presence.subscribe(({ status }) => {
  if (status === 'live') cameAt ??= presence.serverNow();
  show();
  void refresh();
});
