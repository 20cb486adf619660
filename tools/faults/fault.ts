import { Lang, parse, type SgNode } from '@ast-grep/napi';
import type { OurHub } from '../simulator/scenario';

/** One small mistake in a production module, and the check that must notice it. */
export interface Fault {
  readonly name: string;
  /** The path below `src/`. */
  readonly file: string;
  /** The method, function or constant with the place. Needed only if the pattern also matches elsewhere. */
  readonly within?: string;
  /** A pattern of ast-grep: https://ast-grep.github.io/guide/pattern-syntax.html */
  readonly find: string;
  /** Replaces the place. A `$NAME` of the pattern stands for the source that it matched. */
  readonly put: string;
  readonly noticedBy: Notice;
}

/** The simulator with a seed, or a category of the hostile table. With `isLogged` the Worker must also log an error. */
export type Notice =
  | { readonly simulator: OurHub; readonly seed: number }
  | { readonly hostile: string; readonly isLogged?: true };

/** Returns the source with the fault. Throws unless the pattern matches exactly one place. */
export function withFault(source: string, { file, within, find, put }: Fault): string {
  const root = parse(Lang.TypeScript, source).root();
  const places = root.findAll(find).filter((place) => within === undefined || isWithin(place, within));
  const [place] = places;
  if (place === undefined || places.length > 1) {
    const where = within === undefined ? file : `${within} of ${file}`;
    throw new Error(
      `The pattern \`${find}\` matches ${places.length} places in ${where}, and must match one.`,
    );
  }
  const text = put.replaceAll(/\$([A-Z]+)/g, (_, name: string) => place.getMatch(name)?.text() ?? '');
  return root.commitEdits([place.replace(text)]);
}

const isWithin = (place: SgNode, name: string) =>
  place.ancestors().some((ancestor) => ancestor.field('name')?.text() === name);
