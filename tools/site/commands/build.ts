import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { openApiDocument } from '../../../src/api/openapi';
import { docsPage } from '../../../src/site/docs-page';
import { homePage } from '../../../src/site/home-page';

/** The folder of the static assets that wrangler serves and uploads: `[assets]` in wrangler.toml. */
const SITE = 'dist/site';

const SERVED = { bundle: true, minify: true, format: 'esm', target: 'es2022', outdir: SITE } as const;

/** Bundles the element with the client of this site. By default that client uses the service that served the script. */
const CLIENT_OF_SITE: Plugin = {
  name: 'client-of-site',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/presence\.js$/ }, () => ({ path: resolve('src/site/presence.ts') }));
  },
};

const document = openApiDocument();

// Otherwise a deploy uploads files of an earlier build too.
rmSync(SITE, { recursive: true, force: true });
cpSync('src/site/static', SITE, { recursive: true });
writeFileSync(`${SITE}/openapi.json`, `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(`${SITE}/index.html`, homePage());
writeFileSync(`${SITE}/docs.html`, docsPage(document));
cpSync(
  'node_modules/@fontsource-variable/fraunces/files/fraunces-latin-wght-normal.woff2',
  `${SITE}/fraunces.woff2`,
);
cpSync('node_modules/@fontsource-variable/fraunces/LICENSE', `${SITE}/fraunces.license.txt`);
await build({
  entryPoints: {
    docs: 'src/site/docs.ts',
    presence: 'src/site/presence.ts',
  },
  ...SERVED,
});
await build({
  entryPoints: { 'presence-element': 'src/client/element.ts' },
  plugins: [CLIENT_OF_SITE],
  ...SERVED,
});
