import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';

// Builds the package of the client into dist/client: `npm run client:build`. The files of src/client are in its folder `client`,
// beside the moods that they import.

// Otherwise the package keeps files of an earlier build.
rmSync('dist/client', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'src/client'], { stdio: 'inherit' });
copyFileSync('src/client/package.json', 'dist/client/package.json');
copyFileSync('LICENSE', 'dist/client/LICENSE');
copyFileSync('docs/client.md', 'dist/client/README.md');
