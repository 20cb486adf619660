import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The package of the client imports `react` too. Only an alias replaces that import. */
export default defineConfig({
  plugins: [react()],
  resolve: { alias: { react: 'react-18', 'react-dom': 'react-dom-18' } },
});
