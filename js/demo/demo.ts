/**
 * The Inspector on a recorded run, without a kernel. `?theme=dark`, `?run=cnn`, `?panels=weights,layers` and
 * `?state=failed` choose what is shown.
 */

import "../src/styles/all.css";
import "../src/styles/annex-reading.css";
import "./page.css";
import { signal } from "@preact/signals";
import { createCursor } from "../src/cursor.ts";
import { mount } from "../src/mount.tsx";
import type { Status } from "../src/protocol.gen.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { createStore } from "../src/store.ts";
import { type RecordedJson, runOf } from "./recorded.ts";

const PANELS = ["transport", "layers", "activations", "weights", "gradients", "timeline"];

const query = new URLSearchParams(location.search);
document.body.dataset.jpThemeLight = String(query.get("theme") !== "dark");

function faceOf(status: Status, face: string | null): Status {
  switch (face) {
    case "idle":
      return { ...status, state: "idle", step: 0, epoch: 0, logs: {}, steps_per_second: null };
    case "running":
      return { ...status, state: "running" };
    case "finished":
      return { ...status, state: "finished" };
    case "failed":
      return {
        ...status,
        state: "failed",
        failure: {
          title: "ValueError: labels must be between 0 and 9, received 10",
          traceback: 'File "train.py", line 12, in train_step\n    raise ValueError("labels must be ...")',
        },
      };
    default:
      return status;
  }
}

const answer = await fetch(`${query.get("run") ?? "mlp"}.json`);
if (!answer.ok) {
  document.body.textContent = "Record a run first: python js/demo/record.py DIGITS.npz js/dist/demo";
  throw new Error("no recorded run");
}
const json: RecordedJson = await answer.json();
const source = createMemorySource(runOf(json), () => {});
source.status.value = faceOf(json.status, query.get("state"));
if (query.get("state") === "gone") source.connection.value = "gone";
const cursor = createCursor();
const panels = signal(query.get("panels")?.split(",") ?? PANELS);
const store = createStore(source, cursor, panels, new AbortController().signal);
cursor.move({ neuron: Number(query.get("neuron") ?? 5), sample: 3 });
const place = document.getElementById("inspector");
if (place !== null) mount(store, place);
