// The words around the number, also for screen readers. here.js counts.
import { channel, presence } from '/here.js';
import { sentencesIn } from '/sentences.js';

/** The time between two sentences with a number. Otherwise a screen reader interrupts its user at every change. */
const SPOKEN_EVERY_MS = 30_000;
/** Most first answers arrive earlier. Then the page neither shows nor speaks "Connecting". */
const LATE_MS = 2_000;

const isCircle = channel !== '';
export const sentences = sentencesIn(document.documentElement.lang);
const [headline, lead, count, unit, countedAt, spoken] = [
  '#headline',
  '#lead',
  '#count',
  '#unit',
  '#counted-at',
  '#status',
].map((id) => document.querySelector(id));

/** The snapshot in the words of sentences.js. */
export function crowdOf({ status, data, others, mood }) {
  // `others` belongs to `data`. The mood can be newer.
  const isCounted = data === null ? mood !== null : others < data.count;
  return { status, count: data?.count ?? null, isCounted, others, isCircle };
}

function showHeading(crowd) {
  const words = sentences.heading(crowd);
  // The name of the circle follows: "You are here in lobby".
  headline.textContent = words.headline ? `${words.headline}${isCircle ? '' : '.'}` : '';
  lead.textContent = words.lead ?? lead.textContent;
  unit.textContent = words.unit ?? unit.textContent;
  for (const { style, textContent } of [headline, count])
    style.setProperty('--length', Math.max(1, textContent.length));
}

let speaking;
let lastStatus;
let numberSpokenAt = 0;
const sentence = () => sentences.spoken(crowdOf(presence.getSnapshot()));
/** Speaks the current sentence: 2 s after the status changes, and at most every 30 s after the number changes. */
function speak({ status }) {
  if (status !== lastStatus) {
    clearTimeout(speaking);
    speaking = undefined;
  }
  lastStatus = status;
  // A page that prerenders has no sentence yet. Otherwise it speaks that there is no such circle.
  if (document.prerendering || speaking !== undefined || spoken.textContent === sentence()) return;
  const isNumber = status === 'live';
  const waitMs = isNumber ? Math.max(LATE_MS, numberSpokenAt + SPOKEN_EVERY_MS - Date.now()) : LATE_MS;
  speaking = setTimeout(() => {
    speaking = undefined;
    spoken.textContent = sentence();
    numberSpokenAt = isNumber ? Date.now() : 0;
  }, waitMs);
}

presence.subscribe((snapshot) => {
  showHeading(crowdOf(snapshot));
  if (snapshot.data !== null) countedAt.textContent = sentences.timeOf(snapshot.data.timestamp);
  speak(snapshot);
});
