import { defineConfig } from 'vite';

export default defineConfig({
  esbuild: { jsx: 'automatic' },
  // clickspool's React binding is a folder beside this one: it is to use our
  // React, not one of its own.
  resolve: { dedupe: ['react', 'react-dom'] },
  build: { target: 'es2022' },
});
