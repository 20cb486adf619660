// The page of a circle, and the invitation to one. here.js counts.
import { channel, isValidName, presence } from '/here.js';
import { hasRoom } from '/service.js';

/** 32 characters, without l, o, 0 and 1, which look alike. */
const CHARACTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
/** 12 of them are 60 random bits. With fewer, a stranger could guess the name. */
const NAME_LENGTH = 12;

const { title } = document;
const circle = document.querySelector('#circle');
const invite = document.querySelector('#invite');
const invitation = document.querySelector('#invitation');
const copy = document.querySelector('#copy');

if (channel !== '') {
  invite.textContent = 'Invite to this circle';
  document.querySelector('#invitation-title').textContent = 'Invite to this circle';
  showCircle(isValidName ? channel : '');
}

let isOffered = false;
presence.subscribe(({ status, error }) => {
  if (status === 'live' && !isOffered) {
    isOffered = true;
    void offerInvitation();
  }
  if (channel === '' || !error?.message.startsWith('404 ')) return;
  // The service has no circle of this name. Otherwise the client sends heartbeats without end.
  showCircle('');
  void presence.stop();
});

/** @param name Empty: there is no such circle. */
function showCircle(name) {
  document.title = `${name || 'No such circle'} · ${title}`;
  // A non-breaking space. Otherwise a long name begins in the second line, and does not fit.
  circle.textContent = name && `in\u00a0${name}`;
  circle.style.setProperty('--length', circle.textContent.length);
  document.querySelector('#channel').textContent = name && ` channel="${name}"`;
}

async function offerInvitation() {
  const name = channel || randomName();
  // Only a live page offers an invitation, so the service has the circle of this page.
  const isAccepted = channel !== '' || (await accepts(name));
  if (isAccepted === undefined) isOffered = false;
  if (!isAccepted) return;
  const link = `${location.origin}/?channel=${name}`;
  document.querySelector('#link').textContent = link;
  document.querySelector('#go').href = link;
  document.querySelector('#go').hidden = channel !== '';
  copy.hidden = !('clipboard' in navigator);
  copy.addEventListener('click', () => copyText(link));
  invite.addEventListener('click', () => invitation.showModal());
  invite.classList.add('offered');
}

function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(NAME_LENGTH));
  return `circle-${Array.from(bytes, (byte) => CHARACTERS[byte % CHARACTERS.length]).join('')}`;
}

/** Whether the service accepts a circle of this name. Undefined without an answer. Then the next snapshot sends the request again. */
async function accepts(name) {
  const has = await hasRoom();
  if (!has) return has;
  try {
    return (await fetch(`/api/channels?names=${name}`)).ok;
  } catch {
    return undefined;
  }
}

async function copyText(text) {
  copy.textContent = await navigator.clipboard.writeText(text).then(
    () => 'Copied',
    () => 'Not copied',
  );
  setTimeout(() => {
    copy.textContent = 'Copy';
  }, 2_000);
}
