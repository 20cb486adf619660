/** Writes how far a long command is: one changing line in a terminal, at most ten lines elsewhere. */
export function progress(what: string, done: number, of: number): void {
  const line = `${what}: ${done} of ${of}`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}${done === of ? '\n' : ' '}`);
  else if (done === of || done % Math.ceil(of / 10) === 0) process.stderr.write(`${line}\n`);
}
