import type { BrowserContext, Page } from 'playwright-core';

/** A page, and what a developer would see in its console. */
interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
}

export async function open(context: BrowserContext, url: string): Promise<WatchedPage> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}

/**
 * Closes all tabs as a person does. The browser goes on, and sends their last requests. The oldest tab, which is the leader,
 * closes last: a tab that takes over sends a heartbeat, which may arrive after the leave.
 */
export async function close(context: BrowserContext): Promise<void> {
  for (const page of context.pages().reverse()) await page.close();
}
