// The second part of the widget, which is loaded when it is first asked for: one text, script and style together.
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const syntax = { target: "es2022", jsx: "automatic", jsxImportSource: "preact", legalComments: "none" };

/** Which names of which modules the widget hands over: `src/annex/handed.ts` says it, by what is in it. */
async function handedNames() {
  const built = await esbuild.build({
    ...syntax,
    entryPoints: [here("src/annex/handed.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const { HANDED } = await import(
    `data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString("base64")}`
  );
  return new Map(Object.entries(HANDED).map(([module, names]) => [module, Object.keys(names)]));
}

/** Modules that are handed over, in the place of those themselves. A name that is not handed over is not found. */
const handedOver = (names) => ({
  name: "handed over",
  setup(build) {
    const isOurs = (module) => module.endsWith(".ts");
    build.onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
      if (kind === "entry-point") return undefined;
      const full = new URL(path, `file://${resolveDir}/`).pathname;
      for (const module of names.keys()) {
        if (isOurs(module) ? full === here(`src/${module}`) : path === module)
          return { path: module, namespace: "handed" };
      }
      return undefined;
    });
    build.onLoad({ filter: /./, namespace: "handed" }, ({ path }) => ({
      contents: `export const { ${names.get(path).join(", ")} } = HANDED[${JSON.stringify(path)}];`,
    }));
  },
});

/** Style sheets as texts. */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const built = await esbuild.build({ entryPoints: [path], bundle: true, minify: true, write: false });
      return { contents: built.outputFiles[0].text, loader: "text", watchFiles: [path] };
    });
  },
};

/** Builds it, and returns it as a text: a module that makes it of what it is given. */
export async function buildAnnex(changes = {}) {
  const built = await esbuild.build({
    ...syntax,
    minify: true,
    ...changes,
    entryPoints: [here("src/annex/entry.ts")],
    bundle: true,
    format: "iife",
    globalName: "annex",
    write: false,
    banner: { js: "export default function (HANDED) {" },
    footer: { js: "return annex;\n}" },
    plugins: [handedOver(await handedNames()), styles],
  });
  return built.outputFiles[0].text;
}
