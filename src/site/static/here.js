import { createPresence } from '/presence.js';

// `/?channel=name` counts the circle of that name, and `/` counts everyone.
export const channel = new URLSearchParams(location.search).get('channel') ?? '';
// All tabs of a browser count as one person, in one mood.
export const presence = createPresence({ channel });

const count = document.querySelector('#count');
const buttons = document.querySelectorAll('button[data-mood]');
const { format } = new Intl.NumberFormat(document.documentElement.lang);

// This function runs now, and after every change.
presence.subscribe(({ status, data, others, mood }) => {
  document.body.dataset.status = status;
  for (const button of buttons) button.setAttribute('aria-pressed', button.dataset.mood === mood);
  // There is no data before the first answer.
  if (data === null) return;
  // `others` are the people besides this browser. If it only watches, these are all people.
  count.textContent = format(others);
  for (const button of buttons)
    button.querySelector('.of').textContent = format(data.moods[button.dataset.mood]);
});

for (const button of buttons) button.addEventListener('click', () => presence.setMood(button.dataset.mood));

export let isValidName = true;
try {
  presence.start();
} catch {
  // No circle can have this name. The status stays `idle`.
  isValidName = false;
}
