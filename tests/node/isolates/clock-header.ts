/** The header that sets the clock of a test's isolate (ms since 1970), so that tests with real isolates need not wait. */
export const CLOCK_HEADER = 'test-clock';
