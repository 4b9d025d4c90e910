import { reasonOf } from "../format.ts";
import { namesOf, RUNS, runNames } from "../runs.ts";
import { type Content, fileNameOf } from "../save/content.ts";
import { toCsv } from "../save/csv.ts";
import { copyPicture, saveFile } from "../save/deliver.ts";
import { toPng } from "../save/png.ts";
import { sheetOf } from "../save/sheet.ts";
import { toSvg } from "../save/svg.ts";
import { useView } from "./context.ts";
import { ANY, type Shown } from "./picture.ts";

type Action = (content: Content) => void | Promise<void>;

const ACTIONS: readonly (readonly [string, Action])[] = [
  ["copy picture", (content) => copyPicture(toPng(sheetOf(content), content.picture.pixelRatio))],
  [
    "save PNG",
    async (content) => {
      const png = await toPng(sheetOf(content), content.picture.pixelRatio);
      saveFile(`${fileNameOf(content)}.png`, png);
    },
  ],
  [
    "save SVG",
    (content) =>
      saveFile(`${fileNameOf(content)}.svg`, new Blob([toSvg(sheetOf(content))], { type: "image/svg+xml" })),
  ],
  [
    "save CSV",
    (content) => saveFile(`${fileNameOf(content)}.csv`, new Blob([toCsv(content)], { type: "text/csv" })),
  ],
];

/** The map as it is drawn now, as a picture or as a table. */
export function Saving({ shown }: { shown: Shown }) {
  const { store, theme } = useView();
  const content = (): Content | null => {
    const [picture, scale, frame] = [shown.picture.peek(), shown.scale.peek() ?? ANY, store.frame.peek()];
    if (picture === null || frame === null) return null;
    const { layer, step } = frame;
    const order = store.order.peek();
    const run = runNames(namesOf(store))[RUNS.indexOf(store.run.peek())] ?? "";
    return { picture, scale, theme: theme.peek(), layer, step, order, places: store.places.peek(), run };
  };
  const act = async (name: string, action: Action): Promise<void> => {
    const what = content();
    try {
      if (what === null) throw new Error("there is no picture to save");
      await action(what);
      if (name.startsWith("copy")) store.source.tell("info", "The picture is on the clipboard.");
    } catch (error) {
      store.source.tell("warning", reasonOf(error));
    }
  };
  return (
    <div class="nnv-tool-buttons">
      {ACTIONS.map(([name, action]) => (
        <button key={name} type="button" class="nnv-tool-button" onClick={() => void act(name, action)}>
          {name}
        </button>
      ))}
    </div>
  );
}
