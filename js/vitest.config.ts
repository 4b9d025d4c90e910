import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { buildAnnex } from "./annex.mjs";

// Debian's Chromium: nothing is downloaded. Without the SwiftShader flag a test could pass on a blank canvas.
const browser = {
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--enable-unsafe-swiftshader",
        "--ignore-gpu-blocklist",
        "--disable-background-networking",
        "--force-device-scale-factor=1",
      ],
    },
    contextOptions: { deviceScaleFactor: 1, viewport: { width: 1200, height: 900 } },
  }),
  instances: [{ browser: "chromium" as const, viewport: { width: 1200, height: 900 } }],
};

/** The annex as it is built, for the fake kernel to send: what a test sees of it came the same way as in a notebook. */
const annex = {
  name: "annex",
  resolveId: (id: string) => (id === "virtual:annex" ? id : undefined),
  load: async (id: string) =>
    id === "virtual:annex" ? `export default ${JSON.stringify(await buildAnnex())}` : undefined,
};

export default defineConfig({
  plugins: [annex],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { host: "127.0.0.1" },
  optimizeDeps: {
    include: [
      "preact",
      "preact/hooks",
      "preact/jsx-runtime",
      "preact/jsx-dev-runtime",
      "@preact/signals",
      "axe-core",
    ],
  },
  test: {
    browser,
    include: ["test/**/*.test.{ts,tsx}"],
    typecheck: { enabled: true, include: ["test/**/*.test-d.ts"] },
  },
});
