import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The package of the client imports `react` too, so an alias replaces it there. */
export default defineConfig({
  plugins: [react()],
  resolve: { alias: { react: 'react-18', 'react-dom': 'react-dom-18' } },
});
