import { createSignal, Show } from 'solid-js';
import { Breathing } from './Breathing';

export default function App() {
  const [isShown, setShown] = createSignal(true);
  return (
    <main>
      <Show when={isShown()}>
        <Breathing />
      </Show>
      <button type="button" onClick={() => setShown(false)}>
        Remove
      </button>
    </main>
  );
}
