import { afterAll, describe, expect, it } from 'vitest';
import { commandsIn } from '../../support/commands';
import { Terminal } from './terminal';

/** What is not run here, and why. */
const ELSEWHERE = new Map([
  ['npm ci', 'It has been, before these tests; and would take the packages away from under them.'],
  ['npm test', 'This is it.'],
  ['npx openapi-typescript', 'In tests/clients, which has it installed.'],
  ['npx wrangler login', 'It takes an account.'],
  ['npm run deploy', 'It takes an account.'],
]);

describe.each(['README.md', 'docs/channels.md', 'docs/live-sockets.md'])('%s', (file) => {
  const terminal = new Terminal();
  afterAll(() => terminal.close());

  const commands = commandsIn(file).flatMap(({ command, output }) =>
    command
      .split(' && ')
      .filter((part) => ![...ELSEWHERE.keys()].some((elsewhere) => part.startsWith(elsewhere)))
      // What `npm ci` prints comes first.
      .map((part) => ({ command: part, output: output.slice(output.findIndex(isOfInstall) + 1) })),
  );

  it.each(commands)(
    '$command',
    async ({ command, output }) => {
      const isService = command.startsWith('npm run worker:dev');
      const printed = linesOf(await (isService ? terminal.serve(command) : terminal.run(command)));
      const shown = linesOf(output.join('\n'));
      if (!isService) return expect(printed).toEqual(shown);
      // Of a long output it shows some lines.
      const found = printed.filter((line) => shown.includes(line));
      expect(found).toEqual(shown.filter((line) => line !== '' && line !== '…'));
    },
    120_000,
  );
});

const isOfInstall = (line: string) => /^added \d+ packages/.test(line);

/** The lines of an output without what is another time each time; npm's own name the script, and are none of its output. */
function linesOf(output: string): readonly string[] {
  return output
    .replaceAll(/"(timestamp|at)":\d+/g, '"$1":0')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.startsWith('> '));
}
