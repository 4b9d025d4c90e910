import { computed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type FurtherAxis, furtherAxes } from "../further.ts";
import { useView } from "./context.ts";
import { Slider } from "./Slider.tsx";

function FurtherSlider({ along }: { along: FurtherAxis }) {
  const { choices } = useView().store;
  const { axis, name, size, groups, labels } = along;
  const [group = "outputs"] = groups;
  // Where the thumb was dragged to; the pictures follow.
  const at = choices.at[group].value[axis] ?? along.index;
  return (
    <Slider
      name={name}
      value={at}
      min={0}
      max={size - 1}
      text={labels[at]}
      onMove={(index) => choices.moveAlong(axis, groups, index)}
    />
  );
}

/** A slider for each axis that does not lie on the pictures. They stay where they are until the next layer is here. */
export function FurtherSliders() {
  const { store } = useView();
  const axes = useMemo(() => {
    let last: FurtherAxis[] = [];
    return computed(() => {
      const told = store.told.value;
      if (told === null) return last;
      const next = furtherAxes(told.planes.map(({ plane }) => plane)).filter(({ size }) => size > 1);
      // A new step is no reason to render.
      if (JSON.stringify(next) !== JSON.stringify(last)) last = next;
      return last;
    });
  }, [store]);
  return axes.value.map((along) => <FurtherSlider key={`${along.axis} ${along.size}`} along={along} />);
}
