/** The page's colours, read anew when its theme changes: a canvas does not inherit CSS. */

import { type ReadonlySignal, signal } from "@preact/signals";

export interface Theme {
  readonly dark: boolean;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly raw: string;
  readonly accent: string;
  readonly second: string;
  readonly select: string;
  readonly surface: string;
  /** The families of its font; asked for at each picture, it would make the browser compute styles before it paints. */
  readonly font: string;
}

/** JupyterLab and VS Code say what they are; elsewhere the background they gave us, then the system's wish decides. */
function pageIsDark(root: Element): boolean {
  const { body } = document;
  const lab = body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  const vscode = body.dataset.vscodeThemeKind;
  if (vscode !== undefined) return !vscode.includes("light");
  const background = getComputedStyle(root).getPropertyValue("--jp-layout-color0").trim();
  const hex = /^#([0-9a-f]{6})$/i.exec(background)?.[1];
  if (hex !== undefined) return Number.parseInt(hex.slice(2, 4), 16) < 128;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Resolves the custom property to a colour that a canvas understands. */
function colorOf(root: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  root.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function read(root: HTMLElement): Theme {
  const dark = pageIsDark(root);
  root.classList.toggle("nnv-dark", dark);
  const color = (name: string): string => colorOf(root, `--nnv-${name}`);
  return {
    dark,
    text: color("text"),
    muted: color("muted"),
    line: color("line"),
    raw: color("raw"),
    accent: color("accent"),
    second: color("second"),
    select: color("select"),
    surface: color("surface"),
    font: getComputedStyle(root).fontFamily,
  };
}

/** Follows the theme of the page until `abort`. */
export function watchTheme(root: HTMLElement, abort: AbortSignal): ReadonlySignal<Theme> {
  const theme = signal(read(root));
  const update = () => {
    if (abort.aborted) return;
    const next = read(root);
    if (JSON.stringify(next) !== JSON.stringify(theme.peek())) theme.value = next;
  };
  // Notebooks render into an element that is not on the page yet: it has no colours before it has a size.
  const placed = new ResizeObserver(() => requestAnimationFrame(update));
  placed.observe(root);
  const observer = new MutationObserver(update);
  observer.observe(document.body, { attributes: true });
  observer.observe(document.documentElement, { attributes: true });
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
    matchMedia(query).addEventListener("change", update, { signal: abort });
  abort.addEventListener("abort", () => {
    observer.disconnect();
    placed.disconnect();
  });
  return theme;
}
