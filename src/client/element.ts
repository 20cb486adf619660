import { createPresence, type Mood, type Presence, type PresenceSnapshot } from './presence.js';

declare global {
  interface HTMLElementTagNameMap {
    'presence-count': PresenceCount;
  }
}

/**
 * `<presence-count url channel mood robots>` counts this browser as present while it is in the page. Its shadow root shows the count. Before
 * the first answer it shows the content of the element. `mood=""` only watches. Without a `mood` the choice of the visit holds.
 * Styles read the status of the snapshot from the attribute `status`, or match `:state(stale)`.
 */
export class PresenceCount extends (globalThis.HTMLElement ?? Object) {
  static readonly observedAttributes = ['url', 'channel', 'mood'];
  #presence: Presence | undefined;
  #unsubscribe: (() => void) | undefined;
  #internals: ElementInternals | undefined;
  #status = '';
  #hasWarned = false;
  #reflects = false;

  /** The attribute `mood`: null if it is empty, undefined if it is missing. */
  get mood(): Mood | null | undefined {
    const mood = this.getAttribute('mood') ?? undefined;
    // Any other text passes here, and the service refuses it.
    return mood === '' ? null : (mood as Mood | undefined);
  }

  set mood(mood: Mood | null | undefined) {
    if (mood === undefined) this.removeAttribute('mood');
    else this.setAttribute('mood', mood ?? '');
  }

  connectedCallback() {
    if (Object.hasOwn(this, 'mood')) {
      // A page can set the property before this class is defined. Then it hides the accessor, and the mood has no effect.
      const { mood } = this;
      Reflect.deleteProperty(this, 'mood');
      this.mood = mood;
    }
    if (!this.shadowRoot) {
      this.attachShadow({ mode: 'open' }).append(document.createElement('slot'));
      this.#internals = this.attachInternals?.();
      if (document.readyState === 'complete') this.#reflectWhenIdle();
      else addEventListener('load', () => this.#reflectWhenIdle(), { once: true });
    }
    if (!this.#presence) {
      this.#presence = createPresence({
        url: this.getAttribute('url') ?? undefined,
        channel: this.getAttribute('channel') ?? undefined,
        mood: this.mood,
        robots: this.getAttribute('robots') === 'count' ? 'count' : undefined,
      });
      this.#unsubscribe = this.#presence.subscribe((snapshot) => this.#show(snapshot));
    }
    this.#presence.start();
  }

  disconnectedCallback() {
    void this.#presence?.stop();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null) {
    if (before === after) return;
    if (name === 'mood') this.#presence?.setMood(this.mood);
    else if (this.#presence) {
      void this.#presence.stop();
      this.#unsubscribe?.();
      this.#presence = undefined;
      this.#hasWarned = false;
      this.shadowRoot?.replaceChildren(document.createElement('slot'));
      // A framework sets one attribute after the other. Otherwise it connects to the new `url` with the old `channel`.
      queueMicrotask(() => this.isConnected && this.connectedCallback());
    }
  }

  #show({ status, data, error }: PresenceSnapshot) {
    if (data && this.shadowRoot) this.shadowRoot.textContent = this.#format(data.count);
    if (error && !this.#hasWarned) {
      this.#hasWarned = true;
      console.warn(`<presence-count> cannot count: ${error.message}`);
    }
    try {
      this.#internals?.states.delete(this.#status);
      this.#internals?.states.add(status);
    } catch {
      // Chromium before version 125 accepts only states that start with two dashes.
    }
    this.#status = status;
    if (this.#reflects) this.setAttribute('status', status);
  }

  /** Shows the attribute `status` after the load. Otherwise React prints an error about an attribute that appears before hydration. */
  #reflectWhenIdle() {
    // Safari has no `requestIdleCallback`.
    (globalThis.requestIdleCallback ?? setTimeout)(() => {
      this.#reflects = true;
      this.setAttribute('status', this.#status);
    });
  }

  /** The number in the language of the page, which can differ from the browser's. */
  #format(count: number) {
    try {
      return count.toLocaleString(this.closest<HTMLElement>('[lang]')?.lang || undefined);
    } catch {
      // The attribute `lang` of the page is no language tag.
      return count.toLocaleString();
    }
  }
}

// Another copy of this module may have defined the element: a script of another service, or the package. A second definition throws.
if (!globalThis.customElements?.get('presence-count'))
  globalThis.customElements?.define('presence-count', PresenceCount);
