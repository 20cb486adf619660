/** Returns a part that a hook has started. Throws an error if the hook has not run. */
export function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('The part has not started.');
  return part;
}
