import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The serious and critical findings of axe on a page. */
export async function barriersOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(barriers);
}

/** Runs in the page, after the script of axe. */
async function barriers(): Promise<string[]> {
  const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
  return (await axe.run()).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
