import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { describe, expect, inject, it } from 'vitest';
import { BUILT } from './built';
import { runTool } from './run-tool';

const CLIENT = 'breathe-together-presence-client';
const PACKAGES = join(import.meta.dirname, 'node_modules');
const PACKED = inject('packedClient');

it('publint prints no error, warning or suggestion', async () => {
  const { messages } = await publint({ pkgDir: 'dist/client', pack: 'npm', strict: true });
  expect(messages).toEqual([]);
});

it('Are the types wrong? prints no problem for any way to resolve an entry', async () => {
  await runTool('.', ['@arethetypeswrong/cli/dist/index.js', PACKED]);
});

it('npm publishes the package as it is, and corrects nothing', async () => {
  // Otherwise npm refuses a version that is published already.
  const publish = ['publish', './dist/client', '--dry-run', '--force'];
  const { stdout, stderr } = await promisify(execFile)('npm', publish);
  expect(stdout).toMatch(/^\+ breathe-together-presence-client@\d+\.\d+\.\d+\n$/);
  expect(stderr).not.toMatch(/corrected|errors/);
});

/** A project: how its compiler resolves a package, and whether its files are ES modules. */
const PROJECTS = {
  node10: { type: 'commonjs', module: 'commonjs', resolution: 'node10' },
  'node16, from CommonJS': { type: 'commonjs', module: 'node16', resolution: 'node16' },
  'node16, from an ES module': { type: 'module', module: 'node16', resolution: 'node16' },
  bundler: { type: 'module', module: 'esnext', resolution: 'bundler' },
} as const;
type Project = (typeof PROJECTS)[keyof typeof PROJECTS];

const { node10, ...TODAY } = PROJECTS;
const today = Object.entries(TODAY);
/** TypeScript 6 deprecates node10, and TypeScript 7 lacks it. The tools of Svelte and Vue also need version 6.0, under its own name. */
const VERSIONS = [
  ['5.4', 'typescript-5.4', [['node10', node10], ...today]],
  ['5.9', 'typescript-5.9', [['node10', node10], ...today]],
  ['6.0', 'typescript', today],
  ['7.0', 'typescript-7.0', today],
] as const;

/** All strict options of a project. The compiler checks the declarations of packages too. */
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  isolatedModules: true,
  noEmit: true,
  target: 'es2022',
};

/** Returns a new folder with the files of a consumer, a copy of the client, and the types of one React version. */
function consumer(name: string, { type, module, resolution }: Project, react = 'react') {
  const folder = join(BUILT, 'consumers', name.replaceAll(/\W+/g, '-'));
  const write = (file: string, content: object) =>
    writeFileSync(join(folder, file), JSON.stringify(content, null, 2));
  cpSync(join(import.meta.dirname, 'consumer'), folder, { recursive: true });
  cpSync(join(PACKAGES, CLIENT), join(folder, 'node_modules', CLIENT), { recursive: true });
  cpSync(join(PACKAGES, '@types', react), join(folder, 'node_modules/@types/react'), { recursive: true });
  write('package.json', { type });
  const options = { ...STRICT, module, moduleResolution: resolution };
  write('page.json', {
    compilerOptions: { ...options, lib: ['es2022', 'dom'], types: [], jsx: 'react-jsx' },
    files: ['page.ts', 'element.tsx'],
  });
  write('without-page.json', {
    compilerOptions: { ...options, lib: ['es2022'], types: ['node'] },
    files: ['without-page.ts'],
  });
  return folder;
}

it('Jest loads each entry', async () => {
  const folder = consumer('Jest', node10);
  const { stderr } = await runTool(folder, ['jest/bin/jest.js', '--rootDir', '.', '--no-cache']);
  expect(stderr).toContain('1 passed, 1 total');
});

describe.each(VERSIONS)('TypeScript %s', (version, typescript, projects) => {
  const compile = (folder: string, project: string) =>
    runTool(folder, [`${typescript}/bin/tsc`, '-p', project]);

  it.each(projects)(
    `TypeScript ${version} accepts the types with the resolution %s`,
    async (name, project) => {
      const folder = consumer(`${version} ${name}`, project);
      await compile(folder, 'page.json');
      await compile(folder, 'without-page.json');
    },
  );

  it(`TypeScript ${version} accepts the types beside those of React 18`, async () => {
    const folder = consumer(`${version} React 18`, PROJECTS.bundler, 'react-18');
    await compile(folder, 'page.json');
  });
});
