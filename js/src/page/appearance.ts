/** Light or dark: as the system wishes, until a person says otherwise; on paper always light. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";

export interface Appearance {
  readonly dark: ReadonlySignal<boolean>;
  toggle(): void;
  /** Light until the returned function is called. */
  forPaper(): () => void;
}

/** Tells the views through the attribute in which JupyterLab says it. */
export function createAppearance(): Appearance {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const wished = signal<boolean | null>(null);
  const dark = signal(system.matches);
  const paper = signal(false);
  const choose = () => {
    dark.value = !paper.peek() && (wished.peek() ?? system.matches);
  };
  system.addEventListener("change", choose);
  effect(() => {
    document.body.dataset.jpThemeLight = String(!dark.value);
  });
  return {
    dark,
    toggle() {
      wished.value = !dark.peek();
      choose();
    },
    forPaper() {
      paper.value = true;
      choose();
      return () => {
        paper.value = false;
        choose();
      };
    },
  };
}
