import { parseArgs } from 'node:util';
import * as z from 'zod';

/** Returns the name of an option: its key with dashes between the words. */
export const optionName = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Returns the schema of a number within these bounds. */
export function numberWithin(min: number, max: number) {
  const error = `takes a number from ${min} to ${max.toLocaleString('en')}`;
  return z.coerce.number({ error }).min(min, { error }).max(max, { error });
}

/** Returns the schema of a whole number within these bounds. */
export function wholeNumber(min: number, max: number) {
  const error = `takes a whole number from ${min} to ${max.toLocaleString('en')}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/**
 * Returns the options of the command line: each is a text, or `true` for a flag. `--help` prints the help and ends the process.
 * An unknown option prints the reason and ends the process with status 2.
 *
 * @param args The words to parse, if the command line has other words too.
 */
export function givenOptions(
  about: string,
  shape: Readonly<Record<string, z.ZodType>>,
  flags: Readonly<Record<string, string>> = {},
  args: readonly string[] = process.argv.slice(2),
): Readonly<Record<string, string | true>> {
  const keys = Object.keys(shape);
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(keys.map((key) => [optionName(key), { type: 'string' } as const])),
        ...Object.fromEntries(
          [...Object.keys(flags), 'help'].map((flag) => [flag, { type: 'boolean' } as const]),
        ),
      },
    });
    const given = values as Readonly<Record<string, string | true>>;
    if (given['help'] === undefined) return given;
    console.log(`${about}\n\n${helpOf(shape, { ...flags, help: 'Prints this help.' })}`);
    process.exit(0);
  } catch (error) {
    return refuse([String(error instanceof Error ? error.message : error)]);
  }
}

/** Parses options by a schema. Wrong options print a line each and end the process with status 2. */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  given: Readonly<Record<string, string | true>>,
): z.output<Schema> {
  const keys = Object.keys(schema.shape).filter((key) => given[optionName(key)] !== undefined);
  const parsed = schema.safeParse(Object.fromEntries(keys.map((key) => [key, given[optionName(key)]])));
  if (parsed.success) return parsed.data;
  return refuse(
    parsed.error.issues.map(({ path, message }) => `--${optionName(String(path[0]))}: ${message}`),
  );
}

function helpOf(shape: Readonly<Record<string, z.ZodType>>, flags: Readonly<Record<string, string>>): string {
  const lines = [
    ...Object.entries(shape).map(([key, schema]) => {
      const byDefault = schema.safeParse(undefined).data;
      return [optionName(key), `${schema.description}${byDefault === undefined ? '' : ` (${byDefault})`}`];
    }),
    ...Object.entries(flags),
  ];
  const width = Math.max(...lines.map(([name = '']) => name.length));
  return lines.map(([name = '', text]) => `--${name.padEnd(width)}  ${text}`).join('\n');
}

function refuse(lines: readonly string[]): never {
  for (const line of lines) console.error(line);
  console.error('--help lists the options.');
  process.exit(2);
}
