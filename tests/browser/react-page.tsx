import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { usePresence } from '../../src/client/react';

function Count() {
  const [mood, setMood] = useState<'presence' | 'release'>('presence');
  const { status, data } = usePresence({ mood });
  return (
    <button type="button" data-status={status} onClick={() => setMood('release')}>
      {data?.count}
    </button>
  );
}

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <StrictMode>
    <Count />
  </StrictMode>,
);
