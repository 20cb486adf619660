import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

/** The default command of each tool that takes options. The other commands share `tools/options.ts`. */
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const COMMANDS = Object.values(scripts)
  .flatMap((script) => /tools\/run\.mjs (.*)/.exec(script)?.[1] ?? [])
  .filter((command) => !/^(site|client) /.test(command));

/** Runs a command to its end, as its script does. */
async function run(command: string, ...options: readonly string[]) {
  const child = spawn(process.execPath, ['tools/run.mjs', ...command.split(' '), ...options]);
  const status = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, stdout, stderr };
}

// A command parses its options before it prints help, so it refuses unknown options too.
describe.concurrent('every command', { timeout: 60_000 }, () => {
  it.each(COMMANDS)('the command %s prints help and does nothing else', async (command) => {
    const { status, stdout, stderr } = await run(command, '--help');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^[A-Z].*\.\n\n(--[a-z-]+ +.*\n)+$/);
    expect(status).toBe(0);
  });
});

describe.concurrent('wrong arguments', { timeout: 60_000 }, () => {
  it('a command refuses an unknown option in one line', async () => {
    const { status, stdout, stderr } = await run('simulator world', '--breathe');
    expect(stderr).toMatch(/^Unknown option '--breathe'.*\n--help lists the options\.\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('a command refuses each wrong value in a line', async () => {
    const wrong = ['--seeds', 'many', '--from', '1.5', '--minutes', '0', '--hub', 'shared-key'];
    const { status, stderr } = await run('simulator deep', ...wrong);
    expect(stderr).toBe(
      [
        '--seeds: takes a whole number from 1 to 1,000,000',
        '--from: takes a whole number from 0 to 1,000,000,000',
        '--minutes: takes a whole number from 1 to 10,000',
        '--hub: takes kv or durable-object',
        '--help lists the options.\n',
      ].join('\n'),
    );
    expect(status).toBe(2);
  });

  it('a command refuses a number outside of its bounds and an unknown hub', async () => {
    const { status, stderr } = await run(
      'simulator meeting',
      '--apart-seconds',
      '1e6',
      '--hub',
      'shared-key',
    );
    expect(stderr).toBe(
      [
        '--apart-seconds: takes a number from 0 to 3,600',
        '--hub: takes kv or durable-object',
        '--help lists the options.\n',
      ].join('\n'),
    );
    expect(status).toBe(2);
  });

  it('an unknown command is refused in one line that names the others', async () => {
    const { status, stderr } = await run('bench speed', 'sleep');
    expect(stderr).toBe(
      "Unknown command 'sleep'. There are: channels, full-replica, full-room, profile, room, sockets, speed.\n",
    );
    expect(status).toBe(2);
  });
});
