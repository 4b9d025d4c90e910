/** What the keys and the mouse do, for the list that `?` opens. */

export interface HelpGroup {
  readonly where: string;
  readonly keys: readonly Entry[];
}

/** Some keys need a session. */
type Entry = readonly [keys: readonly string[], what: string, needs?: "session"];

export const HELP: readonly HelpGroup[] = [
  {
    where: "Anywhere",
    keys: [
      [["Space"], "run or pause; in a file, play"],
      [["[", "]"], "a step back, a step on"],
      [[",", "."], "the layer before, the next one"],
      [["T"], "all maps as tables, and back"],
      [["R"], "of two runs: the other, their difference"],
      [["B"], "the model a step back, or to the step that is shown", "session"],
      [["D"], "the debugger: breakpoints, edits, branches", "session"],
      [["?"], "this list"],
    ],
  },
  {
    where: "In a map",
    keys: [
      [["\u2190", "\u2192"], "the neuron, or the cell beside it"],
      [["\u2191", "\u2193"], "the row; a row of activations is a sample"],
      [["PgUp", "PgDn"], "ten rows"],
      [["Home", "End"], "the first neuron, the last one"],
      [["+", "\u2212"], "zoom in, zoom out"],
      [["0", "\u232b"], "all of it, the part before"],
      [["N"], "the next value that is not finite"],
      [["L"], "one scale for all steps, or each its own"],
      [["T"], "a table instead of the picture, and back"],
    ],
  },
  {
    where: "In a map, with the mouse",
    keys: [
      [["click"], "the neuron and the row there"],
      [["drag"], "zoom into what is marked"],
      [["Ctrl", "wheel"], "zoom about the pointer"],
      [["double click"], "the part before"],
      [["\u22ef"], "colours, order, compare, save"],
    ],
  },
  {
    where: "In the list of layers",
    keys: [
      [["\u2191", "\u2193"], "the layer above, the layer beneath"],
      [["\u2190", "\u2192"], "fold, unfold"],
      [["Home", "End"], "the first layer, the last one"],
    ],
  },
  {
    where: "On a slider, on the timeline",
    keys: [
      [["\u2190", "\u2192"], "one back, one on"],
      [["PgUp", "PgDn"], "ten on, ten back"],
      [["Home", "End"], "the first, the last"],
    ],
  },
];
