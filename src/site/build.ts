import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { openApiDocument } from '../api/openapi';
import { docsPage } from './docs-page';

/** What wrangler serves and uploads as static assets: `[assets]` in wrangler.toml. */
const SITE = 'dist/site';

const document = openApiDocument();

// What is no longer made must not be uploaded.
rmSync(SITE, { recursive: true, force: true });
cpSync('src/site/static', SITE, { recursive: true });
writeFileSync(`${SITE}/openapi.json`, `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(`${SITE}/docs.html`, docsPage(document));
await build({ entryPoints: ['src/site/docs.ts'], bundle: true, minify: true, format: 'esm', outdir: SITE });
