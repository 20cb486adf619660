import { chosen, press } from '/buttons.js';
import { createPresence } from '/presence.js';

export const presence = createPresence({ mood: chosen() });

const count = document.querySelector('#count');
const who = document.querySelector('#who');
const buttons = document.querySelectorAll('button[data-mood]');

presence.subscribe(({ status, data }) => {
  document.body.dataset.status = status;
  if (data === null) return;
  count.textContent = data.count.toLocaleString();
  who.textContent = data.count === 1 ? 'person' : 'people';
  for (const button of buttons) {
    const people = button.querySelector('.of');
    people.textContent = data.moods[button.dataset.mood];
  }
});

for (const button of buttons) {
  button.addEventListener('click', () => {
    presence.setMood(button.dataset.mood);
    press(button.dataset.mood);
  });
}

presence.start();
