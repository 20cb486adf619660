/** A part of a test that a hook starts. */
export function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('The trial has not started.');
  return part;
}
