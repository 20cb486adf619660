import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';

// Builds the package of the client into dist/client: `npm run client:build`. The folder `client` of the package has the files of
// src/client, beside the moods that they import. The folder `cjs` has the same as CommonJS, for Jest and for `require`.

const BUILT = 'dist/client';

/** The tsconfig.json only checks types. Otherwise `tsc -b` writes its build information into the package. */
const EMIT = ['--noEmit', 'false', '--declaration', '--rootDir', 'src'];

/** Compiles src/client, with these options of the compiler. */
function compile(...options: readonly string[]) {
  const args = ['node_modules/typescript/bin/tsc', '-p', 'src/client', ...EMIT, ...options];
  execFileSync(process.execPath, args, { stdio: 'inherit' });
}

// Otherwise the package keeps files of an earlier build.
rmSync(BUILT, { recursive: true, force: true });
compile('--outDir', BUILT);
compile('--outDir', `${BUILT}/cjs`, '--module', 'commonjs', '--verbatimModuleSyntax', 'false');
writeFileSync(`${BUILT}/cjs/package.json`, `${JSON.stringify({ type: 'commonjs' })}\n`);
copyFileSync('src/client/package.json', `${BUILT}/package.json`);
copyFileSync('src/client/README.md', `${BUILT}/README.md`);
copyFileSync('LICENSE', `${BUILT}/LICENSE`);
