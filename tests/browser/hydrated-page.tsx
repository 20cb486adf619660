import { useEffect, useState } from 'react';
import { hydrateRoot } from 'react-dom/client';
import type {} from '../../src/client/react';

interface Props {
  readonly service: string;
  /** React hydrates after the load of the page, when the element has its attribute `status`. */
  readonly isLate: boolean;
}

/** A page that a server has rendered with `<presence-count>`. */
export function HydratedPage({ service, isLate }: Props) {
  const [isShown, setShown] = useState(true);
  useEffect(() => {
    document.title = 'hydrated';
  }, []);
  return (
    <>
      <button type="button" onClick={() => setShown(!isShown)}>
        {isShown ? 'Hide' : 'Show'}
      </button>
      {isShown && (
        <p>
          Breathing with{' '}
          <presence-count url={service} suppressHydrationWarning={isLate}>
            some
          </presence-count>{' '}
          people
        </p>
      )}
    </>
  );
}

/** Undefined where a test renders the page. */
const main = globalThis.document?.querySelector('main');
if (main) {
  const { service = '', when } = main.dataset;
  const isLate = when === 'late';
  // The element shows a number before React hydrates.
  if (isLate) await new Promise((resolve) => setTimeout(resolve, 1_000));
  hydrateRoot(main, <HydratedPage service={service} isLate={isLate} />);
}
