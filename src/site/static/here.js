import { createPresence } from '/presence.js';

// All tabs of a browser count as one person, in one mood.
export const presence = createPresence();

const count = document.querySelector('#count');
const unit = document.querySelector('#unit');
const buttons = document.querySelectorAll('button[data-mood]');
const { format } = new Intl.NumberFormat(document.documentElement.lang);

// Runs once now, and again after every change.
presence.subscribe(({ status, data, mood }) => {
  document.body.dataset.status = status;
  for (const button of buttons) button.setAttribute('aria-pressed', button.dataset.mood === mood);
  // There is no data before the first answer.
  if (data === null) return;
  count.textContent = format(data.count);
  unit.textContent = data.count === 1 ? 'person' : 'people';
  for (const button of buttons)
    button.querySelector('.of').textContent = format(data.moods[button.dataset.mood]);
});

for (const button of buttons) button.addEventListener('click', () => presence.setMood(button.dataset.mood));

presence.start();
