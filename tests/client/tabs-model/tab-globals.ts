import type { Dice } from '../../../tools/simulator/dice';
import type { FakeChannels } from './fake-channels';
import type { FakeLocks } from './fake-locks';
import { FakeSocket } from './fake-socket';
import type { FakeStorage } from './fake-storage';
import { FakeBlob, ObjectUrls, workerClassFor } from './fake-worker';
import type { Network } from './network';
import type { Tab } from './tab';

const PAGE_URL = 'https://site.example/breathe';
const START = 1_800_000_000_000;

/** The state that all tabs of one origin share. */
export interface Origin {
  readonly locks: FakeLocks;
  readonly channels: FakeChannels;
  readonly storage: FakeStorage;
  readonly network: Network;
  readonly dice: Dice;
  readonly hopMs: () => number;
  readonly hasWorkers: boolean;
}

/** The globals of a page. Each name that the client may use is here, otherwise the client uses the global of Node. */
export function tabGlobals(tab: Tab, origin: Origin): Record<string, unknown> {
  const { dice, network } = origin;
  const urls = new ObjectUrls(() => dice.uuid());
  const date = class extends Date {
    static override now = () => START + Math.floor(tab.clock.now);
  };
  const events = {
    addEventListener: tab.events.addEventListener.bind(tab.events),
    removeEventListener: tab.events.removeEventListener.bind(tab.events),
    dispatchEvent: tab.events.dispatchEvent.bind(tab.events),
  };
  const globals: Record<string, unknown> = {
    ...events,
    document: {
      ...events,
      baseURI: PAGE_URL,
      currentScript: null,
      get hidden() {
        return tab.isHidden;
      },
      get visibilityState() {
        return tab.isHidden ? 'hidden' : 'visible';
      },
      get prerendering() {
        return tab.isPrerendering;
      },
    },
    navigator: {
      locks: origin.locks.managerFor(tab),
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
      webdriver: false,
      get onLine() {
        return network.trouble !== 'offline';
      },
      sendBeacon: undefined,
    },
    location: new URL(PAGE_URL),
    localStorage: origin.storage.areaFor(tab),
    BroadcastChannel: origin.channels.classFor(tab),
    Worker: origin.hasWorkers ? workerClassFor(tab, urls, origin.hopMs, date) : undefined,
    Blob: FakeBlob,
    URL: class extends URL {
      static override createObjectURL = (blob: unknown) => urls.create(blob as FakeBlob);
      static override revokeObjectURL = () => {};
    },
    setTimeout: tab.timers.set,
    clearTimeout: tab.timers.clear,
    setInterval: undefined,
    clearInterval: undefined,
    setImmediate: undefined,
    process: undefined,
    requestAnimationFrame: undefined,
    requestIdleCallback: undefined,
    MessageChannel: undefined,
    performance: { now: () => tab.clock.now - tab.openedAt, timeOrigin: START + tab.openedAt },
    Date: date,
    Math: Object.assign(Object.create(Math), { random: dice.random }),
    crypto: { randomUUID: () => dice.uuid() },
    fetch: network.fetchFor(tab),
    Request: class {
      get keepalive() {
        return true;
      }
    },
    AbortSignal: {
      any: AbortSignal.any.bind(AbortSignal),
      timeout: (ms: number) => {
        const controller = new AbortController();
        tab.timers.set(() => controller.abort(new DOMException('timed out', 'TimeoutError')), ms);
        return controller.signal;
      },
    },
    WebSocket: class extends FakeSocket {
      constructor(url: string) {
        super(tab, network, url);
      }
    },
  };
  globals['window'] = globals['self'] = globals['globalThis'] = globals;
  return globals;
}
