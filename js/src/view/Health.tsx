import { plural } from "../format.ts";
import { countWords, healthWords, sicknessWords } from "../health.ts";
import type { Health as HealthData, NonFinite } from "../protocol.gen.ts";

function Sickness({ sick }: { sick: readonly NonFinite[] }) {
  const counted = sick.map((each) =>
    each.variable === null ? countWords(each) : countWords(each).replace(":", ` (${each.variable}):`),
  );
  return (
    <span class="nnv-sick" role="img" aria-label={counted.join("; ")} title={counted.join("\n")}>
      {sicknessWords(sick)}
    </span>
  );
}

const TITLE =
  "norm of the gradient, norm of the change over that of the weights, share of dead units (known after 20 readings)";

/** The layer's figures; what is not finite has lines of its own. */
export function Health({ health }: { health: HealthData }) {
  const words = healthWords(health);
  if (health.non_finite.length === 0 && words.length === 0) return null;
  return (
    <span class="nnv-health" title={[...words, TITLE].join("\n")}>
      {health.non_finite.length > 0 && <Sickness sick={health.non_finite} />}
      {words.length > 0 && (
        <span class="nnv-health-figures">
          {words.map((word) => (
            <span key={word}>{word}</span>
          ))}
        </span>
      )}
    </span>
  );
}

/** What a folded row hides. */
export function HiddenSickness({ count }: { count: number }) {
  return (
    <span class="nnv-health">
      <span class="nnv-sick">{`${plural(count, "layer")} not finite`}</span>
    </span>
  );
}
