// Generated from nnviz_widgets/sharing/document.py by `make protocol`. Do not edit.

import type { Cell, LayerEntry, Plane, Series, Status } from "./protocol.gen.ts";

export const DOCUMENT_VERSION = 1;

export const INDEX_ID = "nnviz-index";

export const DATA_ID = "nnviz-data";

export const MANIFEST_ID = "nnviz-manifest";

export const ROOT_ID = "nnviz-root";

export interface Chunk {
  start: number;
  length: number;
  n_bytes: number;
}

export interface StoredPicture {
  header: number;
  layer: string;
  step: number;
  sample: number | null;
  cells: number;
  palette: number;
  low: number | null;
  high: number | null;
  clip_low: number | null;
  clip_high: number | null;
  n_nan: number;
  n_posinf: number;
  n_neginf: number;
  first_bad: Cell | null;
  histogram: number[];
}

export interface Gather {
  layer: string;
  tensor: "weights" | "activations" | "gradients" | "activation_gradients";
  part: "incoming" | "output" | "samples";
  picture: number;
  header: number;
  map: number;
}

export interface NeuronLines {
  layer: string;
  name: "weights_l2" | "gradients_l2" | "activations_mean";
  n_steps: number;
  n_neurons: number;
  first_neuron: number;
  steps: number;
  values: number;
}

export interface Fed {
  layer: string;
  product: boolean;
  why: string | null;
  bias_steps: number;
  biases: number;
}

export interface Withheld {
  tensor: "weights" | "activations" | "gradients" | "activation_gradients" | "inputs" | "labels";
  why: string;
}

export interface Document {
  version: number;
  title: string;
  status: Status;
  layers: LayerEntry[];
  series: Series;
  headers: Plane[];
  pictures: StoredPicture[];
  gathers: Gather[];
  lines: NeuronLines[];
  fed: Fed[];
  withheld: Withheld[];
  labels: Record<string, string[]>;
  layer: string;
  panels: string[];
  chunks: Chunk[];
}
