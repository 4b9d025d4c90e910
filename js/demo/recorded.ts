/** Reads a run that `record.py` wrote. */

import type { Health, LayerEntry, Plane, Status } from "../src/protocol.gen.ts";
import { bytesOf } from "../src/source/decode.ts";
import { emptyRun, type RecordedRun, there } from "../src/source/recorded.ts";

export interface RecordedJson {
  readonly status: Status;
  readonly layers: LayerEntry[];
  readonly labels: string[];
  readonly steps: string;
  readonly lines: { readonly name: string; readonly layer: string | null; readonly values: string }[];
  readonly health: Health[];
  readonly planes: {
    readonly layer: string;
    readonly step: number;
    readonly sample: number | null;
    readonly plane: Plane;
    readonly cells: string;
  }[];
}

export function runOf(json: RecordedJson): RecordedRun {
  const steps = new Float64Array(bytesOf(json.steps).buffer);
  const lines = json.lines.map(({ name, layer, values }) => ({
    name,
    layer,
    steps,
    values: new Float32Array(bytesOf(values).buffer),
  }));
  return {
    ...emptyRun(json.status),
    layers: json.layers,
    labels: { [json.status.step]: json.labels },
    series: there({ firstStep: 0, lastStep: json.status.step, lines, events: [], health: json.health }),
    planes: json.planes.map((entry) => ({
      ...entry,
      cells: there(new Uint16Array(bytesOf(entry.cells).buffer)),
    })),
  };
}
