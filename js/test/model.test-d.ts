/** Type tests: each line marked so must not compile. Checked by `npm run check` and `npm test`. */

import { expectTypeOf, test } from "vitest";
import { type CursorModel, type InspectorModel, listen } from "../src/model.ts";
import type { ServerMessage, Status } from "../src/protocol.gen.ts";
import type { FrameSource } from "../src/source/source.ts";

declare const model: InspectorModel;
declare const cursor: CursorModel;
declare const source: FrameSource;
declare const abort: AbortSignal;

test("a misspelt trait does not compile", () => {
  expectTypeOf(model.get("_status")).toEqualTypeOf<Status | null>();
  // @ts-expect-error
  model.get("_statsu");
  // @ts-expect-error
  cursor.get("layerIndex");
  // @ts-expect-error
  listen(cursor, "change:neurons", abort, () => {});
});

test("a trait takes only values of its type", () => {
  cursor.set("neuron", 3);
  // @ts-expect-error
  cursor.set("neuron", "3");
});

test("a command is one of the protocol's", () => {
  void source.command({ kind: "step", n: 1 });
  // @ts-expect-error
  void source.command({ kind: "rewind", n: 1 });
  // @ts-expect-error
  void source.command({ kind: "step" });
});

test("messages are told apart by their kind", () => {
  expectTypeOf<ServerMessage["kind"]>().toEqualTypeOf<"reply" | "layers" | "frame" | "series" | "notice">();
});
