'use client';
import { type ReactNode, useState } from 'react';

export function Removable({ children }: { readonly children: ReactNode }) {
  const [isShown, setShown] = useState(true);
  return (
    <main>
      {isShown && children}
      <button type="button" onClick={() => setShown(false)}>
        Remove
      </button>
    </main>
  );
}
