import { join } from 'node:path';
import type { Tool } from './run-tool';
import { type Site, serveFolder } from './site';
import { startNext } from './start-next';

/** An app whose only code for presence is one recipe of docs/client.md. */
export interface RecipeApp {
  readonly name: string;
  /** The heading of its recipe. */
  readonly heading: string;
  /** Its folder in `apps`. Without one the recipe is a whole site. */
  readonly template?: string;
  /** The file that the recipe fills. */
  readonly file: string;
  readonly typeCheck?: Tool;
  readonly build?: Tool;
  /** The NODE_ENV of the build. */
  readonly mode?: 'development';
  /** @param folder The folder of the app. */
  readonly serve: (folder: string) => Promise<Site>;
  /** Whether a button removes the recipe. Without one the page shows the recipe until it closes. */
  readonly hasButton: boolean;
}

const serveDist = (folder: string) => serveFolder(join(folder, 'dist'));

const VITE = { build: ['vite/bin/vite.js', 'build'], serve: serveDist, hasButton: true } as const;
const TSC = 'typescript/bin/tsc';

const REACT = {
  ...VITE,
  heading: 'React',
  template: 'react',
  file: 'src/Breathing.tsx',
  typeCheck: [TSC],
} as const;

const NEXT = {
  template: 'next',
  file: 'components/Breathing.tsx',
  // It checks the types too.
  build: ['next/dist/bin/next', 'build'],
  serve: startNext,
  hasButton: true,
} as const;

export const RECIPE_APPS: readonly RecipeApp[] = [
  {
    name: 'plain-html',
    heading: 'Plain HTML',
    file: 'dist/index.html',
    serve: serveDist,
    hasButton: false,
  },
  { ...REACT, name: 'react' },
  // Only the development build of React mounts a component twice in StrictMode.
  { ...REACT, name: 'react-strict', build: [...VITE.build, '--mode', 'development'], mode: 'development' },
  {
    ...REACT,
    name: 'react-18',
    typeCheck: [TSC, '-p', 'tsconfig.react-18.json'],
    build: [...VITE.build, '--config', 'vite.react-18.config.ts'],
  },
  { ...NEXT, name: 'next', heading: 'Next.js, app router' },
  { ...NEXT, name: 'next-server-component', heading: 'Next.js, server component' },
  {
    ...VITE,
    name: 'vue',
    heading: 'Vue 3',
    template: 'vue',
    file: 'src/Breathing.vue',
    typeCheck: ['vue-tsc/bin/vue-tsc.js'],
  },
  {
    ...VITE,
    name: 'svelte',
    heading: 'Svelte 5',
    template: 'svelte',
    file: 'src/Breathing.svelte',
    typeCheck: ['svelte-check/bin/svelte-check', '--fail-on-warnings'],
  },
  {
    ...VITE,
    name: 'solid',
    heading: 'Solid',
    template: 'solid',
    file: 'src/Breathing.tsx',
    typeCheck: [TSC],
  },
  {
    name: 'astro',
    heading: 'Astro',
    template: 'astro',
    file: 'src/components/Breathing.astro',
    build: ['astro/bin/astro.mjs', 'build'],
    serve: serveDist,
    hasButton: false,
  },
];
