import { AllVariables } from "./AllVariables.tsx";
import { Branches } from "./Branches.tsx";
import { Breakpoints } from "./Breakpoints.tsx";
import { Edits } from "./Edits.tsx";

/** What stops the training, where it has been, and what is changed of it. */
export function Debugger() {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw itself
    <div class="nnv-debug" role="group" aria-label="Debugger">
      <Breakpoints />
      <Edits />
      <Branches />
      <AllVariables />
    </div>
  );
}
