import { DEFAULT_MOOD } from '../moods.js';
import { createPresence, type Mood, type Presence } from './presence.js';

/**
 * `<presence-count url mood></presence-count>`: counts this browser as present while it is in the page, and shows how many are, in
 * place of what it holds until then. `mood=""` only watches. The attribute `status` follows the snapshot's, for styles.
 */
export class PresenceCount extends (globalThis.HTMLElement ?? Object) {
  static readonly observedAttributes = ['url', 'mood'];
  #presence: Presence | undefined;

  connectedCallback() {
    this.#presence ??= this.#create();
    this.#presence.start();
  }

  disconnectedCallback() {
    void this.#presence?.stop();
  }

  attributeChangedCallback(name: string) {
    if (name === 'mood') this.#presence?.setMood(this.#mood);
    else if (this.#presence) {
      void this.#presence.stop();
      this.#presence = undefined;
      if (this.isConnected) this.connectedCallback();
    }
  }

  /** The service refuses what is no mood. */
  get #mood() {
    const mood = this.getAttribute('mood') ?? DEFAULT_MOOD;
    return mood === '' ? null : (mood as Mood);
  }

  #create(): Presence {
    const presence = createPresence({
      url: this.getAttribute('url') ?? undefined,
      mood: this.#mood,
    });
    presence.subscribe(({ status, data }) => {
      if (presence !== this.#presence) return;
      this.setAttribute('status', status);
      if (data) this.textContent = data.count.toLocaleString();
    });
    return presence;
  }
}

globalThis.customElements?.define('presence-count', PresenceCount);
