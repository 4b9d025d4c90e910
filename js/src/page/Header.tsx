import { useSignal } from "@preact/signals";
import { About } from "./About.tsx";
import type { Appearance } from "./appearance.ts";

interface Props {
  readonly title: string;
  readonly manifest: unknown;
  readonly appearance: Appearance;
}

/** Above the view: what this is, what the file holds, and how it looks. */
export function Header({ title, manifest, appearance }: Props) {
  const about = useSignal(false);
  return (
    <>
      <h1>{title}</h1>
      <div class="nnv-page-buttons">
        <button
          type="button"
          class="nnv-page-button"
          onClick={() => {
            about.value = true;
          }}
        >
          What is in this file
        </button>
        <button
          type="button"
          class="nnv-page-button"
          aria-pressed={appearance.dark}
          onClick={() => appearance.toggle()}
        >
          Dark
        </button>
      </div>
      <About open={about} manifest={manifest} />
    </>
  );
}
