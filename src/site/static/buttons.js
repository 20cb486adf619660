// Which mood is chosen. All tabs of a browser are one person, so they show the same one, and a new tab begins with it.
const KEY = 'mood';
const buttons = [...document.querySelectorAll('button[data-mood]')];

const isPressed = (button) => button.getAttribute('aria-pressed') === 'true';
const show = (mood) => {
  if (!buttons.some((button) => button.dataset.mood === mood)) return;
  for (const button of buttons) button.setAttribute('aria-pressed', button.dataset.mood === mood);
};

export const chosen = () => buttons.find(isPressed).dataset.mood;

export function press(mood) {
  show(mood);
  try {
    localStorage.setItem(KEY, mood);
  } catch {
    // Nothing may be stored here.
  }
}

try {
  show(localStorage.getItem(KEY));
} catch {
  // Nothing may be read here.
}
addEventListener('storage', ({ key, newValue }) => {
  if (key === KEY) show(newValue);
});
