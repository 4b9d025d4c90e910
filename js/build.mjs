// Builds the widget into the Python package (default), the kernel-less demo page (--demo), or prints sizes (--size).
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const MAX_GZIP_BYTES = 60_000;

const shared = { bundle: true, format: "esm", target: "es2022", jsx: "automatic", jsxImportSource: "preact" };
const widget = {
  ...shared,
  entryPoints: { inspector: here("src/index.ts") },
  outdir: here("../nnviz_widgets/static"),
  minify: true,
  legalComments: "none",
};
const demo = {
  ...shared,
  entryPoints: { demo: here("demo/demo.ts") },
  outdir: here("dist/demo"),
  sourcemap: "inline",
};

async function printSizes() {
  for (const name of ["inspector.js", "inspector.css"]) {
    const bytes = await readFile(here(`../nnviz_widgets/static/${name}`));
    const gzip = gzipSync(bytes, { level: 9 }).length;
    console.log(JSON.stringify({ file: name, bytes: bytes.length, gzip_bytes: gzip }));
    if (gzip > MAX_GZIP_BYTES) {
      console.error(`${name} must be at most ${MAX_GZIP_BYTES} bytes in gzip, it has ${gzip}`);
      process.exitCode = 1;
    }
  }
}

const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json" };

/** Serves the demo page and what was built for it, on loopback only. */
function serve(port) {
  const roots = [here("demo/"), here("dist/demo/")];
  createServer(async (request, response) => {
    const name = new URL(request.url ?? "/", "http://localhost").pathname.slice(1) || "index.html";
    if (!/^[\w.-]+$/.test(name)) return response.writeHead(404).end();
    for (const root of roots) {
      const bytes = await readFile(root + name).catch(() => null);
      if (bytes === null) continue;
      const type = TYPES[name.split(".").pop()] ?? "application/octet-stream";
      return response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(bytes);
    }
    return response.writeHead(404).end();
  }).listen(port, "127.0.0.1", () => console.log(`demo: http://127.0.0.1:${port}/`));
}

const flag = process.argv[2];
if (flag === "--watch") {
  const context = await esbuild.context(widget);
  await context.watch();
} else if (flag === "--demo") {
  await esbuild.build(demo);
  serve(Number(process.env.PORT ?? 8123));
} else if (flag === "--size") {
  await printSizes();
} else {
  await esbuild.build(widget);
}
