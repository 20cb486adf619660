/** @jsxRuntime automatic @jsxImportSource hono/jsx */

import type { Child } from 'hono/jsx';
import { DEFAULT_MOOD, MOODS } from '../moods';

const TITLE = 'Breathe together';
const DESCRIPTION = 'Sit down for a minute. See how many people breathe with you.';

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
        <link rel="modulepreload" href="/presence.js" />
        <link rel="stylesheet" href="/page.css" />
        <link rel="stylesheet" href="/orb.css" />
        <script type="module" src="/here.js" />
        <script type="module" src="/page.js" />
        <script type="module" src="/circle.js" />
      </head>
      <body data-status="connecting">
        <main>
          <div class="orb" aria-hidden="true">
            <Lights layer="glow" />
            <i class="ring" />
            <Lights layer="body">
              <i class="core" />
            </Lights>
            <span class="cue in">Breathe in</span>
            <span class="cue out">Breathe out</span>
          </div>

          <h1>
            <span class="with">Breathing with</span>{' '}
            <span class="number" id="count">
              –
            </span>{' '}
            <span class="unit" id="unit">
              people
            </span>{' '}
            <span class="circle" id="circle" />
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
          <h2 id="code-title">The code of this page</h2>
          <p>The page counts with this code:</p>
          <pre>
            <code />
          </pre>
          <p>These two lines show the number on any other page:</p>
          <pre>
            <code>
              {'<script type="module" src="'}
              <span id="origin" />
              {'/presence-element.js"></script>\nBreathing with <presence-count'}
              <span id="channel" />
              {'>…</presence-count> people'}
            </code>
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
