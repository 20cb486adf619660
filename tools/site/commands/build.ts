import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { openApiDocument } from '../../../src/api/openapi';
import { docsPage } from '../../../src/site/docs-page';
import { homePage } from '../../../src/site/home-page';

/** What wrangler serves and uploads as static assets: `[assets]` in wrangler.toml. */
const SITE = 'dist/site';

const SERVED = { bundle: true, minify: true, format: 'esm', target: 'es2022', outdir: SITE } as const;

const document = openApiDocument();

// What is no longer made must not be uploaded.
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
// Takes the client that is served beside it, and so the service that both were loaded from.
await build({
  entryPoints: { 'presence-element': 'src/client/element.ts' },
  external: ['./presence.js'],
  ...SERVED,
});
