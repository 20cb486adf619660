/** Runs in the page. Returns the boxes that must not move when a text changes. */
export function boxes(): readonly string[] {
  const fixed = document.querySelectorAll(
    '.orb, h1, h1 > *, .note, .day, .moods, .moods button, footer, footer *',
  );
  return [...fixed].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return `${element.tagName} ${element.id} ${x} ${y} ${width} ${height}`;
  });
}

/** Runs in the page. Returns the texts that are wider than the box around them, or than the page. */
export function overflows(): readonly string[] {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found: string[] = [];
  while (texts.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const text = range.getBoundingClientRect();
    const box = texts.currentNode.parentElement?.closest('button, h1, p')?.getBoundingClientRect();
    if (text.width === 0 || box === undefined || box.width <= 1) continue;
    const isOutside = text.left < Math.max(0, box.left) || text.right > Math.min(innerWidth, box.right);
    if (isOutside) found.push(texts.currentNode.textContent ?? '');
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page');
  return found;
}

interface LayoutShift extends PerformanceEntry {
  readonly sources: readonly { readonly node: Node | null }[];
}

/** Runs in the page. Returns what has moved since the page opened: https://web.dev/articles/cls */
export function shifts(): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const moved: string[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { node } of (list.getEntries() as LayoutShift[]).flatMap(({ sources }) => sources)) {
        const element = node instanceof Element ? node : node?.parentElement;
        moved.push(element?.outerHTML ?? 'a removed node');
      }
    });
    observer.observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(moved)));
  });
}

/** Runs in the page, which has no animations. Ends its transitions. */
export function finishTransitions() {
  for (const transition of document.getAnimations()) transition.finish();
}
