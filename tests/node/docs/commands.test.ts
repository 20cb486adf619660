import { afterAll, describe, expect, it } from 'vitest';
import { commandsIn } from '../../support/commands';
import { Terminal } from './terminal';

/** The starts of the commands that this file skips, and why. */
const SKIPPED = new Map([
  ['npm ci', 'It would remove the packages that these tests use.'],
  ['npm test', 'It runs these tests.'],
  ['npx wrangler login', 'It needs an account.'],
  ['npm run deploy', 'It needs an account.'],
  ['npm run simulate -- cost --people 1000', 'It takes 10 s. The command that writes the page runs it.'],
]);

describe.each(['README.md', 'docs/api.md', 'docs/channels.md', 'docs/live-sockets.md', 'docs/cost.md'])(
  '%s',
  (file) => {
    const terminal = new Terminal();
    afterAll(() => terminal.close());

    const commands = commandsIn(file).flatMap(({ command, output }) =>
      command
        .split(' && ')
        .filter((part) => ![...SKIPPED.keys()].some((start) => part.startsWith(start)))
        .map((part) => ({ command: part, output })),
    );

    it.each(commands)(
      `${file} shows the output of $command`,
      async ({ command, output }) => {
        const isService = command.startsWith('npm run worker:dev');
        const printed = linesOf(await (isService ? terminal.serve(command) : terminal.run(command)));
        const shown = linesOf(output.join('\n'));
        if (!isService) return expect(printed).toEqual(shown);
        // The document shows a few lines of a long output.
        const found = printed.filter((line) => shown.includes(line));
        expect(found).toEqual(shown.filter((line) => line !== '…'));
      },
      120_000,
    );
  },
);

/** The lines of an output, with the same time in each. It leaves out empty lines, and the lines with which npm names a script. */
function linesOf(output: string): readonly string[] {
  return output
    .replaceAll(/"(timestamp|at)":\d+/g, '"$1":0')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.startsWith('> '));
}
