import { useState } from 'react';
import { Breathing } from './Breathing';

export default function App() {
  const [isShown, setShown] = useState(true);
  return (
    <main>
      {isShown && <Breathing />}
      <button type="button" onClick={() => setShown(false)}>
        Remove
      </button>
    </main>
  );
}
