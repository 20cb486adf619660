import { parseArgs } from 'node:util';
import { measureSockets } from './live-sockets';

// `npm run bench:sockets -- --sockets 10000`

const { values } = parseArgs({
  options: { sockets: { type: 'string', default: '10000' }, json: { type: 'boolean' } },
});
const result = await measureSockets(Number(values.sockets));
if (values.json) console.log(JSON.stringify(result, null, 2));
else console.table(result);
