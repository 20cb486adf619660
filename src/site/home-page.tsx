/** @jsxRuntime automatic @jsxImportSource hono/jsx */

import type { Child } from 'hono/jsx';
import { DEFAULT_MOOD, MOODS } from '../moods';

const TITLE = 'Breathe together';
const DESCRIPTION = 'Sit down for a minute. See how many people breathe with you.';

/** The modules that page.js imports. Without the preloads the browser finds one level of imports after the other. */
const MODULES = ['presence', 'here', 'words', 'day', 'circle', 'sentences', 'curve', 'service'];
const STYLES = ['page', 'orb', 'number', 'day', 'moods', 'footer', 'dialog'];

/** The box in which day.js draws the line: one unit for each step of five minutes. */
const DAY = { width: 288, height: 100 };

/** The page at `/`. Its scripts and styles are in `static/`; they find the moods by `data-mood`. */
export function homePage(): string {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f2ea" />
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0f1416" />
        <meta name="description" content={DESCRIPTION} />
        <meta property="og:title" content={TITLE} />
        <meta property="og:description" content={DESCRIPTION} />
        <meta property="og:type" content="website" />
        <title>{TITLE}</title>
        <link rel="icon" href="/icon.svg" />
        <link rel="preload" href="/fraunces.woff2" as="font" type="font/woff2" crossorigin="" />
        {MODULES.map((module) => (
          <link rel="modulepreload" href={`/${module}.js`} />
        ))}
        {STYLES.map((style) => (
          <link rel="stylesheet" href={`/${style}.css`} />
        ))}
        <script type="module" src="/page.js" />
      </head>
      <body data-status="connecting">
        <main>
          <div class="orb calm" aria-hidden="true">
            <Lights layer="glow" />
            <i class="ring" />
            <Lights layer="body">
              <i class="core" />
            </Lights>
            <span class="cue in">Breathe in</span>
            <span class="cue out">Breathe out</span>
          </div>

          <h1>
            <span class="headline" id="headline" /> <span id="lead">Breathing with</span>{' '}
            <span class="number" id="count">
              –
            </span>{' '}
            <span id="unit">others</span> <span class="circle" id="circle" />
          </h1>
          <div class="no-circle">
            <h2>There is no such circle.</h2>
            <a href="/">Breathe with everyone</a>
          </div>
          <p class="connection" aria-hidden="true">
            <span class="connecting">Connecting…</span>
            <span class="reconnecting">
              Reconnecting… Counted at <span id="counted-at" />.
            </span>
          </p>
          <p class="note" id="note" />
          <Day />
          <noscript>
            <p>This page needs JavaScript to count.</p>
          </noscript>

          <fieldset class="moods">
            <legend class="unseen">What brings you here</legend>
            {MOODS.map((mood) => (
              <button type="button" data-mood={mood} aria-pressed={mood === DEFAULT_MOOD ? 'true' : 'false'}>
                <span>{capitalized(mood)}</span> <span class="of">–</span>
              </button>
            ))}
          </fieldset>
        </main>

        <footer>
          <p>In for four seconds, out for six, everyone in time.</p>
          <nav>
            <button type="button" id="invite">
              Invite to a circle
            </button>
            <button type="button" id="pause" aria-pressed="false">
              Pause
            </button>
            <button type="button" id="show-code">
              Show the code
            </button>
            <a href="/docs">API</a>
          </nav>
        </footer>

        <p role="status" class="unseen" id="status" />

        <dialog id="code" aria-labelledby="code-title">
          <h2 id="code-title">Count on your own page</h2>
          <p>These two lines count the visitors of any page, and show the number:</p>
          <pre>
            <code>
              {'<script type="module" src="'}
              <span id="origin" />
              {'/presence-element.js"></script>\n<presence-count'}
              <span id="channel" />
              {'>…</presence-count> breathing now'}
            </code>
          </pre>
          <p>This page counts with this code:</p>
          <pre>
            <code id="source" />
          </pre>
          <form method="dialog">
            <button type="submit">Close</button>
          </form>
        </dialog>

        <dialog id="invitation" aria-labelledby="invitation-title" aria-describedby="invitation-text">
          <h2 id="invitation-title">Invite to a circle</h2>
          <p id="invitation-text">People who open this link breathe together, apart from all others.</p>
          <pre>
            <code id="link" />
          </pre>
          <form method="dialog">
            <a id="go" href="/">
              Go to the circle
            </a>
            <button type="button" id="copy" aria-live="polite">
              Copy
            </button>
            <button type="submit">Close</button>
          </form>
        </dialog>
      </body>
    </html>
  );
  return `<!doctype html>\n${page}\n`;
}

/** The line of the last 24 hours, which day.js draws. */
function Day() {
  const { width, height } = DAY;
  return (
    <svg
      class="day"
      id="day"
      role="img"
      aria-label="The last 24 hours"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
    >
      {/* In units of the box. With units of the area, a browser paints nothing for a flat day. */}
      <linearGradient id="depth" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="0" y2={height}>
        <stop offset="0" />
        <stop class="faded" offset="1" />
      </linearGradient>
      <path class="area" fill="url(#depth)" />
      <path class="line" />
      <path class="now" />
    </svg>
  );
}

/** One light for each mood, in the mood's colour. */
function Lights({ layer, children }: { layer: 'glow' | 'body'; children?: Child }) {
  return (
    <i class={`lights ${layer}`}>
      {MOODS.map((mood) => (
        <i data-mood={mood} />
      ))}
      {children}
    </i>
  );
}

const capitalized = (mood: string) => `${mood.charAt(0).toUpperCase()}${mood.slice(1)}`;
