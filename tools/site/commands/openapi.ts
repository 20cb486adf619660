import { writeFileSync } from 'node:fs';
import { openApiDocument } from '../../../src/api/openapi';

// Writes docs/openapi.json: `npm run openapi`.

writeFileSync('docs/openapi.json', `${JSON.stringify(openApiDocument(), null, 2)}\n`);
