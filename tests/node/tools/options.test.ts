import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Every command that takes options or none, as `<tool> <command>`. A build takes no words at all. */
const COMMANDS = globSync('tools/*/commands/*.ts')
  .map((file) => file.replace(/^tools\/(.*)\/commands\/(.*)\.ts$/, '$1 $2'))
  .filter((command) => !/^(site|client) /.test(command));

function run(command: string, ...options: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['tools/run.mjs', ...command.split(' '), ...options],
    { encoding: 'utf8', timeout: 15_000 },
  );
  return { status, stdout, stderr };
}

it.each(COMMANDS)('the command %s prints help and does nothing else', (command) => {
  const { status, stdout, stderr } = run(command, '--help');
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[A-Z].*\.\n\n(--[a-z-]+ +.*\n)+$/);
  expect(status).toBe(0);
});

it.each(COMMANDS)('the command %s refuses an unknown option in one line', (command) => {
  const { status, stdout, stderr } = run(command, '--breathe');
  expect(stderr).toMatch(/^Unknown option '--breathe'.*\n--help lists the options\.\n$/);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

it.each([
  ['simulator deep', '--seeds', 'many'],
  ['simulator deep', '--seeds', '1.5'],
  ['simulator deep', '--minutes', '0'],
  ['simulator deep', '--hub', 'shared-key'],
  ['soak soak', '--hub', 'none'],
  ['soak soak', '--seconds', 'long'],
  ['bench sockets', '--sockets', '40000'],
])('the command %s refuses the value of %s %s in one line', (command, option, value) => {
  const { status, stderr } = run(command, option, value);
  expect(stderr).toMatch(new RegExp(`^${option}: takes .*\\n--help lists the options\\.\\n$`));
  expect(status).toBe(2);
});

it('an unknown command is refused in one line that names the others', () => {
  const { status, stderr } = run('bench speed', 'sleep');
  expect(stderr).toBe("Unknown command 'sleep'. There are: full-replica, full-room, room, sockets, speed.\n");
  expect(status).toBe(2);
});
