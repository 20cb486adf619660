/** The header that sets the clock of an isolate (ms since 1970), so tests with real isolates need no waiting. */
export const CLOCK_HEADER = 'test-clock';
