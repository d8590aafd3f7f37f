import { defineConfig } from 'vite';

// The page calls /api on its own host. The proxy adds the token, so that no browser has it.
const chatd = process.env.CHAT_HOST ?? 'http://127.0.0.1:8080';

export default defineConfig({
  server: {
    proxy: {
      '/api': {
        target: chatd,
        changeOrigin: true, // chatd checks the header Host
        headers: { Authorization: `Bearer ${process.env.CHAT_TOKEN}` },
        configure(proxy) {
          // When chatd goes away in mid-answer, the browser must not take what it has for the whole answer.
          proxy.on('proxyRes', (answer, _, res) => answer.on('aborted', () => res.destroy()));
        },
      },
    },
  },
});
