// Builds the widget and the page of shared files into the Python package (default), the demo (--demo), or prints sizes (--size).
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { buildAnnex } from "./annex.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const STATIC = here("../nnviz_widgets/static/");

/** What a widget brings along, script and style together; and what comes when it is first asked for. Bytes in gzip. */
const LIMITS = { inspector: 60_000, annex: 30_000 };

const shared = { bundle: true, format: "esm", target: "es2022", jsx: "automatic", jsxImportSource: "preact" };
const widget = {
  ...shared,
  entryPoints: { inspector: here("src/index.ts") },
  outdir: STATIC,
  minify: true,
  legalComments: "none",
};
/** The script of a shared file: it stands in the page itself, whose policy allows that very text. */
const page = { ...widget, entryPoints: { page: here("src/page.tsx") }, format: "iife" };
const demo = {
  ...shared,
  entryPoints: { demo: here("demo/demo.ts") },
  outdir: here("dist/demo"),
  sourcemap: "inline",
};

const writeAnnex = async () => writeFile(`${STATIC}annex.js`, await buildAnnex());

/** What would end the element that the script stands in, or begin a comment in it. */
const ENDS_ITS_ELEMENT = /<\/script|<script|<!--/i;

async function checkPage() {
  const script = await readFile(`${STATIC}page.js`, "utf8");
  const found = ENDS_ITS_ELEMENT.exec(script);
  if (found === null) return;
  console.error(`page.js must stand inside a script element, it has ${found[0]} at ${found.index}`);
  process.exitCode = 1;
}

async function printSizes() {
  const sums = { inspector: 0, annex: 0 };
  for (const name of ["inspector.js", "inspector.css", "annex.js", "page.js", "page.css"]) {
    const bytes = await readFile(STATIC + name);
    const gzip = gzipSync(bytes, { level: 9 }).length;
    console.log(JSON.stringify({ file: name, bytes: bytes.length, gzip_bytes: gzip }));
    const part = name.split(".")[0];
    if (part in sums) sums[part] += gzip;
  }
  for (const [part, sum] of Object.entries(sums)) {
    if (sum <= LIMITS[part]) continue;
    console.error(`${part} must be at most ${LIMITS[part]} bytes in gzip, it has ${sum}`);
    process.exitCode = 1;
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
  const annex = { name: "annex", setup: (build) => build.onEnd(writeAnnex) };
  const rebuilt = { ...widget, plugins: [annex] };
  for (const options of [rebuilt, page]) await (await esbuild.context(options)).watch();
} else if (flag === "--demo") {
  await esbuild.build(demo);
  serve(Number(process.env.PORT ?? 8123));
} else if (flag === "--size") {
  await printSizes();
} else {
  await Promise.all([esbuild.build(widget), esbuild.build(page), writeAnnex()]);
  await checkPage();
}
