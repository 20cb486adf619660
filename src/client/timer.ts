/** Runs in a dedicated worker: takes a time, and sends it back when it has come. */
const ALARM = 'let t;onmessage=({data:d})=>{clearTimeout(t);t=setTimeout(postMessage,d-Date.now(),d)}';
let alarmUrl: string | undefined;

/** One timeout at a time; setting it again replaces it. */
export interface Timer {
  set(delayMs: number): void;
  clear(): void;
  remainingMs(): number;
}

/**
 * A timeout that hidden pages keep, if it is set while they are hidden. Chromium wakes the timers of a page that has been hidden
 * for some minutes once a minute, but those of a dedicated worker on time:
 * https://developer.chrome.com/blog/timer-throttling-in-chrome-88
 *
 * The page's own timer runs beside it, for where no worker may be made (the page's policy needs `worker-src blob:`).
 */
export function createTimer(onTime: () => void): Timer {
  let timeout: ReturnType<typeof setTimeout> | undefined;
  let worker: Worker | undefined;
  let dueAt = 0;

  return {
    clear() {
      clearTimeout(timeout);
      worker?.terminate();
      worker = undefined;
    },
    set(delayMs) {
      clearTimeout(timeout);
      timeout = setTimeout(onTime, delayMs);
      dueAt = Date.now() + delayMs;
      if (document.hidden)
        try {
          alarmUrl ??= URL.createObjectURL(new Blob([ALARM]));
          worker ??= new Worker(alarmUrl);
          worker.onmessage = ({ data }) => data === dueAt && onTime();
          worker.postMessage(dueAt);
        } catch {
          // The page may make no worker.
        }
    },
    remainingMs: () => dueAt - Date.now(),
  };
}
