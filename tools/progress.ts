/** A line about how far a long command is, rewritten in a terminal, and now and then a new one elsewhere. */
export function progress(what: string, done: number, of: number): void {
  const line = `${what}: ${done} of ${of}`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}${done === of ? '\n' : ' '}`);
  else if (done === of || done % Math.ceil(of / 10) === 0) process.stderr.write(`${line}\n`);
}
