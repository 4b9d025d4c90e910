import type { Failure as FailureData } from "../protocol.gen.ts";

/** Why a session failed, with the traceback of the user's own code. */
export function Failure({ failure }: { failure: FailureData }) {
  return (
    <details class="nnv-failure" open>
      <summary>{failure.title}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0}>{failure.traceback}</pre>
    </details>
  );
}
