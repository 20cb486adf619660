import type { BrowserContext, Page } from 'playwright-core';

/** A page, and the errors and warnings in its console. */
interface WatchedPage {
  readonly page: Page;
  readonly consoleErrors: string[];
}

export async function open(context: BrowserContext, url: string): Promise<WatchedPage> {
  const page = await context.newPage();
  const consoleErrors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') consoleErrors.push(message.text());
  });
  page.on('pageerror', (error) => consoleErrors.push(error.message));
  await page.goto(url);
  return { page, consoleErrors };
}

/**
 * Closes all tabs as a person does. The browser stays open, and sends their last requests. The oldest tab, which is the leader, closes
 * last. Otherwise a tab that takes the lead sends a heartbeat, which may arrive after the leave.
 */
export async function close(context: BrowserContext): Promise<void> {
  for (const page of context.pages().reverse()) await page.close();
}
