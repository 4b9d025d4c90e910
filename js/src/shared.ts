/** What all copies of this module on one page share: anywidget gives every widget its own copy. */

interface PageWide {
  luts: Map<string, Uint32Array>;
}

const KEY = Symbol.for("nnviz_widgets/1");

function isPageWide(value: unknown): value is PageWide {
  return typeof value === "object" && value !== null && Reflect.get(value, "luts") instanceof Map;
}

export function pageWide(): PageWide {
  const known: unknown = Reflect.get(globalThis, KEY);
  if (isPageWide(known)) return known;
  const made: PageWide = { luts: new Map() };
  Reflect.set(globalThis, KEY, made);
  return made;
}
