import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { type Fault, withFault } from './fault';

/** Makes esbuild bundle the production module with the fault. The build fails if it does not load that module. */
export function plant(fault: Fault): Plugin {
  return {
    name: 'plant',
    setup({ onLoad, onEnd }) {
      let isPlanted = false;
      onLoad({ filter: new RegExp(`/src/${fault.file.replaceAll('.', '\\.')}$`) }, async ({ path }) => {
        isPlanted = true;
        return { contents: withFault(await readFile(path, 'utf8'), fault), loader: 'ts' };
      });
      onEnd(() => (isPlanted ? {} : { errors: [{ text: `The bundle does not load ${fault.file}.` }] }));
    },
  };
}
