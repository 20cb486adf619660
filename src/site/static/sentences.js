// The sentences of the page. They depend on numbers only, not on the document. `others` are the people besides this browser, which is
// counted or only watches.

/** Every location sends a new visit to the room within this time (ms). Later answers contain this visit. */
const KNOWN_AFTER_MS = 60_000;

/** @param lang The language of numbers and times. The words are English. */
export function sentencesIn(lang) {
  const { format } = new Intl.NumberFormat(lang);
  const timeOf = (ms) => new Date(ms).toLocaleTimeString(lang, { hour: 'numeric', minute: '2-digit' });
  const people = (count) => (count === 1 ? '1 person' : `${format(count)} people`);

  /** The words around the number, or a headline that replaces it. `others` is null before the first answer. */
  function heading({ isCounted, others }) {
    if (others === 0) return { headline: isCounted ? 'You are here' : 'No one is here now' };
    if (!isCounted) return { lead: 'Breathing here now', unit: others === 1 ? 'person' : 'people' };
    return { lead: 'Breathing with', unit: others === 1 ? 'other person' : 'others' };
  }

  /**
   * The sentence below the number. It is empty if there is nothing to say.
   *
   * @param history Null: the service has none, or has not answered.
   * @param cameAt When this page got its first answer, by the server's clock (ms since 1970).
   */
  function note({ isCounted, others, history, cameAt }) {
    const isAlone = isCounted && others === 0;
    const next = isAlone ? 'The next person to come breathes with you.' : '';
    if (history === null) return next;
    const { visits, peak } = withPresent(history, isCounted ? others + 1 : others);
    const most = Math.max(visits, peak);
    if (most === 0) return 'No one has come yet today.';
    if (most === 1 && isAlone) return isFirst(history, cameAt) ? 'You are the first today.' : next;
    if (most === 1) return '1 person breathed here today.';
    // A session of more than a day is in the counts and not in the visits.
    if (visits <= peak) return `${format(peak)} breathed here together today.`;
    return `${format(visits)} breathed here today${peak > 1 ? `, ${format(peak)} at once` : ''}.`;
  }

  /** The history for screen readers. */
  function day({ history, count }) {
    const { visits, peak } = withPresent(history, count);
    const facts = [];
    if (history.visits >= history.peak.count)
      facts.push(visits === 0 ? 'no visits' : `${format(visits)} visit${visits === 1 ? '' : 's'}`);
    if (peak > 0) facts.push(`at most ${people(peak)} at once`);
    if (peak > history.peak.count) facts.push('now');
    else if (peak > 0) facts.push(`at ${timeOf(history.peak.at)}`);
    return `The last 24 hours: ${facts.join(', ')}.`;
  }

  /** The number for screen readers. */
  function spoken({ status, count, isCounted, others, isCircle }) {
    const inCircle = isCircle ? ' in this circle' : '';
    if (status === 'idle') return 'There is no such circle.';
    if (others === null) return 'Connecting.';
    if (status !== 'live') return `Reconnecting. The last count was ${people(count)}.`;
    const { headline, lead, unit } = heading({ isCounted, others });
    if (headline) return `${headline}${inCircle}.`;
    if (isCounted) return `${lead} ${format(others)} ${unit}${inCircle}.`;
    return `${people(count)} ${count === 1 ? 'is' : 'are'} breathing${inCircle || ' here now'}.`;
  }

  return { heading, note, day, spoken, timeOf };
}

/** The visits and the peak, at least as high as the people now. An answer can be two minutes old, and lacks later visits. */
function withPresent({ visits, peak }, count) {
  return { visits: Math.max(visits, count), peak: Math.max(peak.count, count) };
}

/** Whether the only visit of a history is this one. In an answer that lacks this visit, it is an earlier one. */
function isFirst({ timestamp, stepMs, counts }, cameAt) {
  if (timestamp >= cameAt + KNOWN_AFTER_MS) return true;
  const stepsSince = Math.floor(timestamp / stepMs) - Math.floor(cameAt / stepMs);
  return counts.slice(0, counts.length - 1 - stepsSince).every((count) => count === 0);
}
