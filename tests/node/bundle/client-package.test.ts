import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../../support/commands';

const NAME = 'breathe-together-presence-client';
const BUILT = 'dist/client';
/** Where the examples of docs/client.md load the client from. */
const SERVED = 'https://presence.example/presence.js';
const TSC = resolve('node_modules/typescript/bin/tsc');

async function gzippedBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['react'],
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

/** The size of the client that pages load. Each byte more needs a reason in the changelog. */
const CORE_BYTES_MAX = 4_590;
/** The hook and the element may add this to it. */
const BINDING_BYTES_MAX = 670;

it('the client is at most 4,590 bytes', async () => {
  expect(await gzippedBytes('src/client/presence.ts')).toBeLessThanOrEqual(CORE_BYTES_MAX);
});

it.each(['react.ts', 'element.ts'])('%s, with the client in it, adds at most 670 bytes', async (file) => {
  const core = await gzippedBytes('src/client/presence.ts');
  expect((await gzippedBytes(`src/client/${file}`)) - core).toBeLessThanOrEqual(BINDING_BYTES_MAX);
});

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'presence-package-'));
  const installed = join(folder, 'node_modules', NAME);
  /** What npm would put into it. */
  let files: readonly string[];
  beforeAll(() => {
    rmSync(BUILT, { recursive: true, force: true });
    execFileSync('npm', ['run', '--silent', 'client:build']);
    const packed = JSON.parse(
      execFileSync('npm', ['pack', `./${BUILT}`, '--dry-run', '--json'], { encoding: 'utf8' }),
    );
    // Of npm 11 a list, and since by name.
    const [first] = Object.values(packed) as { files: { path: string }[] }[];
    files = first?.files.map(({ path }) => path) ?? [];
    for (const path of files) {
      mkdirSync(installed, { recursive: true });
      cpSync(join(BUILT, path), join(installed, path));
    }
    for (const name of ['react', '@types/react', 'csstype'])
      cpSync(`node_modules/${name}`, join(folder, 'node_modules', name), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has the client, its types, and nothing of the service', () => {
    expect(files.filter((path) => !/^(client\/[a-z-]+|moods)\.(js|d\.ts)$/.test(path)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
    ]);
    for (const entry of ['presence', 'react', 'element'])
      expect(files).toEqual(expect.arrayContaining([`client/${entry}.js`, `client/${entry}.d.ts`]));
  });

  it('can be imported on a server', () => {
    const script = `
      const { createPresence } = await import('${NAME}');
      const { usePresence } = await import('${NAME}/react');
      await import('${NAME}/element');
      console.log(typeof usePresence, createPresence({ mood: 'release' }).getSnapshot().status);
    `;
    const args = ['--input-type=module', '--eval', script];
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toBe('function idle\n');
  });

  it.each(['bundler', 'nodenext'])(
    'has types that strict TypeScript takes, with the examples of docs/client.md, resolved as %s does',
    (resolution) => {
      writeFileSync(
        join(folder, 'use.mts'),
        `import { createPresence, type Mood, type PresenceState } from '${NAME}';
       import { usePresence } from '${NAME}/react';
       import { PresenceCount } from '${NAME}/element';
       export const presence = createPresence({ channel: 'post-7', mood: null, whenHidden: 'leave' });
       export const count: number | undefined = presence.getSnapshot().data?.count;
       export const others: number | null = presence.getSnapshot().others;
       export const visits = async (): Promise<number | undefined> => (await presence.history())?.visits;
       export const moods = (state: PresenceState): number => state.moods['gratitude' satisfies Mood];
       export const hook = () => usePresence({ channel: 'post-7', mood: 'release' }).status === 'live';
       export const element: HTMLElement = new PresenceCount();
       document.createElement('presence-count').mood = null;
       // @ts-expect-error There is no such mood.
       presence.setMood('happy');
      `,
      );
      writeFileSync(
        join(folder, 'use-element.tsx'),
        `import type {} from '${NAME}/react';
       export const watching = <presence-count url="https://presence.example" channel="post-7" mood={null} robots="count">…</presence-count>;
       // @ts-expect-error There is no such mood.
       export const wrong = <presence-count mood="happy" />;
      `,
      );
      writeFileSync(
        join(folder, 'guide.mts'),
        blocksOf('docs/client.md', 'ts').join('\n').replace(SERVED, NAME),
      );
      writeFileSync(
        join(folder, 'guide-hook.tsx'),
        `${blocksOf('docs/client.md', 'tsx').join('\n')}\nexport {};`,
      );
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
      const args = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--target', 'es2022'];
      const options = [
        '--module',
        module,
        '--moduleResolution',
        resolution,
        '--lib',
        'es2022,dom',
        '--types',
        '',
      ];
      expect(() =>
        execFileSync(
          process.execPath,
          [
            TSC,
            ...args,
            ...options,
            '--jsx',
            'react-jsx',
            'use.mts',
            'use-element.tsx',
            'guide.mts',
            'guide-hook.tsx',
          ],
          { cwd: folder, stdio: 'pipe' },
        ),
      ).not.toThrow();
    },
  );
});
