import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../../support/commands';

const NAME = 'breathe-together-presence-client';
const BUILT = 'dist/client';
/** The code of strict applications. `npm run test:frameworks` compiles it with other versions of TypeScript too. */
const CONSUMER = 'tests/frameworks/consumer';
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
const CORE_BYTES_MAX = 4_790;
/** The hook and the element may add this to it. */
const BINDING_BYTES_MAX = 680;

it('the client is at most 4,790 bytes, gzipped', async () => {
  expect(await gzippedBytes('src/client/presence.ts')).toBeLessThanOrEqual(CORE_BYTES_MAX);
});

it.each(['react.ts', 'element.ts'])(
  'the binding %s adds at most 680 gzipped bytes to the client',
  async (file) => {
    const core = await gzippedBytes('src/client/presence.ts');
    expect((await gzippedBytes(`src/client/${file}`)) - core).toBeLessThanOrEqual(BINDING_BYTES_MAX);
  },
);

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'presence-package-'));
  const installed = join(folder, 'node_modules', NAME);
  /** The paths that npm puts into the package. */
  let files: readonly string[];
  beforeAll(() => {
    rmSync(BUILT, { recursive: true, force: true });
    execFileSync('npm', ['run', '--silent', 'client:build']);
    // A typecheck after the build must add no file.
    execFileSync(process.execPath, [TSC, '-b', 'src/client']);
    const packed = JSON.parse(
      execFileSync('npm', ['pack', `./${BUILT}`, '--dry-run', '--json'], { encoding: 'utf8' }),
    );
    // npm 11 prints a list, and later versions an object by name.
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

  it('the package has the client, its types, and no file of the service', () => {
    const code = /^(cjs\/)?(client\/[a-z-]+|moods)\.(js|d\.ts)$/;
    expect(files.filter((path) => !code.test(path)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'cjs/package.json',
      'package.json',
    ]);
    for (const path of ['client/presence', 'client/react', 'client/element', 'moods'])
      for (const kind of ['js', 'd.ts'])
        expect(files).toEqual(expect.arrayContaining([`${path}.${kind}`, `cjs/${path}.${kind}`]));
  });

  it.each([
    ['an import on a server', 'module', 'await import'],
    // Jest loads packages so, and Node before version 20.19.
    ['a `require` on a server without ES modules', 'commonjs', 'require'],
  ])('the package loads by %s', (_, type, load) => {
    const script = `
      const { createPresence } = ${load}('${NAME}');
      const { usePresence } = ${load}('${NAME}/react');
      const { PresenceCount } = ${load}('${NAME}/element');
      console.log(typeof usePresence, typeof PresenceCount, createPresence({ mood: 'release' }).getSnapshot().status);
    `;
    const args = [`--input-type=${type}`, '--no-experimental-require-module', '--eval', script];
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(output).toBe('function function idle\n');
  });

  it('the hook has the directive that Next.js needs', () => {
    for (const path of ['client/react.js', 'cjs/client/react.js'])
      expect(readFileSync(join(installed, path), 'utf8')).toMatch(/^("use strict";\s)?'use client';/);
  });

  it.each([
    ['bundler', 'esnext'],
    ['nodenext', 'nodenext'],
  ])(
    'strict TypeScript accepts the package and the examples of its documents, with %s resolution',
    (moduleResolution, module) => {
      cpSync(CONSUMER, folder, { recursive: true });
      for (const document of ['docs/client.md', 'src/client/README.md']) {
        const name = basename(document, '.md');
        // The examples of a document continue each other. A component stands alone.
        writeFileSync(join(folder, `${name}.ts`), blocksOf(document, 'ts').join('\n'));
        for (const [index, component] of blocksOf(document, 'tsx').entries())
          if (!component.includes('solid-js')) writeFileSync(join(folder, `${name}-${index}.tsx`), component);
      }
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            exactOptionalPropertyTypes: true,
            noEmit: true,
            target: 'es2022',
            lib: ['es2022', 'dom'],
            types: [],
            jsx: 'react-jsx',
            module,
            moduleResolution,
          },
        }),
      );
      expect(() => execFileSync(process.execPath, [TSC], { cwd: folder, stdio: 'inherit' })).not.toThrow();
    },
  );
});
