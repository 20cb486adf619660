import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';

// Builds the package of the client into dist/client: `npm run client:build`.

execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'src/client'], { stdio: 'inherit' });
copyFileSync('src/client/package.json', 'dist/client/package.json');
copyFileSync('LICENSE', 'dist/client/LICENSE');
copyFileSync('docs/client.md', 'dist/client/README.md');
