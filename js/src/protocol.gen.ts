// Generated from nnviz_widgets/protocol.py by `make protocol`. Do not edit.

export const PROTOCOL_VERSION = 1;

export const MAX_FRAME_BYTES = 1048576;

export const NAN_BITS = 32704;

export const GUTTER_BITS = 32705;

export const PANELS = ["transport","layers","activations","weights","gradients","neuron","timeline"];

export type ClientMessage = Ready | Gone | Watch | Ack | Run | RunUntil | Pause | TakeSteps | Stop | SetSpeed | ReadValues | AddBreakpoint | ChangeBreakpoint | Complete | PlanRewind | Rewind | Edit | Undo | TryWeight | ReadVariables | ReadSettings | FetchAnnex;

export type ServerMessage = Reply | Layers | Frame | Series | Notice;

export type Kind = "weights" | "activations" | "gradients" | "activation_gradients";

export interface Ready {
  kind: "ready";
  id: number;
  client: string;
  protocol: number;
}

export interface Gone {
  kind: "gone";
  client: string;
}

export interface Cell {
  row: number;
  column: number;
}

export interface Window {
  row_from: number;
  row_to: number;
  column_from: number;
  column_to: number;
}

export interface MapRequest {
  tensor: "weights" | "activations" | "gradients" | "activation_gradients";
  max_rows: number;
  max_cols: number;
  variable: string | null;
  output: number;
  cell: Cell | null;
  at: Record<string, number>;
  window: Window | null;
  part: "map" | "incoming" | "input" | "product" | "output" | "samples";
  complex: "abs" | "real" | "imag" | "phase";
}

export interface Order {
  by: "norm" | "activity" | "similarity";
  step: number;
}

export interface Watch {
  kind: "watch";
  id: number;
  client: string;
  layer: string;
  step: number;
  sample: number;
  maps: MapRequest[];
  order: Order | null;
  compare: number | null;
  neuron: number;
  run: "first" | "second" | "difference";
  branch: string | null;
  beside: string | null;
}

export interface Ack {
  kind: "ack";
  client: string;
  seq: number;
}

export interface Run {
  kind: "run";
  id: number;
  client: string;
  until: number | "epoch" | null;
}

export interface RunUntil {
  kind: "run until";
  id: number;
  client: string;
  condition: string;
}

export interface Pause {
  kind: "pause";
  id: number;
  client: string;
}

export interface TakeSteps {
  kind: "step";
  id: number;
  client: string;
  n: number;
}

export interface Stop {
  kind: "stop";
  id: number;
  client: string;
}

export interface SetSpeed {
  kind: "speed";
  id: number;
  client: string;
  steps_per_second: number | null;
}

export interface ReadValues {
  kind: "read";
  id: number;
  client: string;
  layer: string;
  step: number;
  sample: number;
  tensor: "weights" | "activations" | "gradients" | "activation_gradients";
  row: number;
  column: number;
  variable: string | null;
  output: number;
  at: Record<string, number>;
  complex: "abs" | "real" | "imag" | "phase";
  order: Order | null;
  compare: number | null;
  run: "first" | "second" | "difference";
  branch: string | null;
  beside: string | null;
}

export interface AddBreakpoint {
  kind: "add breakpoint";
  id: number;
  client: string;
  condition: string;
  for_steps: number;
  once: boolean;
}

export interface ChangeBreakpoint {
  kind: "change breakpoint";
  id: number;
  client: string;
  number: number;
  to: "enabled" | "disabled" | "removed";
}

export interface Complete {
  kind: "complete";
  id: number;
  client: string;
  condition: string;
  cursor: number;
}

export interface PlanRewind {
  kind: "plan";
  id: number;
  client: string;
  step: number;
  branch: string | null;
}

export interface Rewind {
  kind: "rewind";
  id: number;
  client: string;
  step: number;
  branch: string | null;
  state_only: boolean;
}

export interface Edit {
  kind: "edit";
  id: number;
  client: string;
  name: "learning_rate" | "batch_size" | "trainable" | "dropout" | "weights" | "reinitialize" | "hyperparameter" | "class_weight";
  value: number | boolean | null;
  layer: string | null;
  neuron: number | null;
  variable: string | null;
  index: number[] | null;
  hyperparameter: string | null;
  class_weight: Record<string, number> | null;
}

export interface TryWeight {
  kind: "try";
  id: number;
  client: string;
  layer: string;
  variable: string;
  index: number[];
  value: number;
}

export interface ReadVariables {
  kind: "variables";
  id: number;
  client: string;
}

export interface Undo {
  kind: "undo";
  id: number;
  client: string;
}

export interface ReadSettings {
  kind: "settings";
  id: number;
  client: string;
  layer: string;
}

export interface FetchAnnex {
  kind: "annex";
  id: number;
  client: string;
}

export interface Candidate {
  text: string;
  sort: string;
}

export interface Completion {
  start: number;
  end: number;
  candidates: Candidate[];
}

export interface Plan {
  step: number;
  branch: string;
  again: number;
  exact: boolean;
  remarks: string[];
}

export interface Settings {
  learning_rate: number | null;
  batch_size: number | null;
  trainable: boolean | null;
  dropout: number | null;
  hyperparameters: Record<string, number | null>;
  class_weight: Record<string, number> | null;
  weights: Record<string, number[]>;
}

export interface Tried {
  before: number | null;
  after: number | null;
  value: number | null;
}

export interface VariableRow {
  path: string;
  variable: string;
  shape: string;
  dtype: string;
  trainable: boolean;
  mean: string;
  std: string;
  norm: string;
  n_nonfinite: number;
  slots: string;
}

export interface Reply {
  kind: "reply";
  client: string;
  id: number;
  ok: boolean;
  error: string | null;
  values: Record<string, string> | null;
  column: number | null;
  completion: Completion | null;
  plan: Plan | null;
  settings: Settings | null;
  tried: Tried | null;
  variables: VariableRow[] | null;
}

export interface LayerEntry {
  path: string;
  name: string;
  class_name: string;
  summary: string;
  n_neurons: number;
  n_params: number;
  n_samples: number;
  tensors: ("weights" | "activations" | "gradients" | "activation_gradients")[];
  reasons: Record<string, string>;
  variables: string[];
  outputs: string[];
  together: string;
}

export interface Layers {
  kind: "layers";
  layers: LayerEntry[];
}

export interface Dimension {
  name: string;
  size: number;
  labels: string[];
}

export interface Further {
  name: string;
  size: number;
  index: number;
  labels: string[];
}

export interface Value {
  row: number;
  column: number;
  text: string;
}

export interface Plane {
  tensor: "weights" | "activations" | "gradients" | "activation_gradients";
  variable: string | null;
  dtype: string;
  shape: number[];
  axes: string[];
  row_axes: Dimension[];
  col_axes: Dimension[];
  gutter: boolean;
  full_rows: number;
  full_cols: number;
  rows: number;
  cols: number;
  row_factor: number;
  col_factor: number;
  neuron_cols: number;
  reduce: "none" | "absmax" | "max";
  encoding: "bf16" | "f32";
  buffer: number;
  missing: string | null;
  note: string | null;
  low: number | null;
  high: number | null;
  clip_low: number | null;
  clip_high: number | null;
  n_nan: number;
  n_posinf: number;
  n_neginf: number;
  value: Value | null;
  output: number;
  part: "map" | "incoming" | "input" | "product" | "output" | "samples";
  row_start: number;
  col_start: number;
  shown_rows: number;
  shown_cols: number;
  further: Further[];
  compared: number | null;
  other: number | null;
  histogram: number[];
  first_bad: Cell | null;
}

export interface Column {
  name: string;
  layer: string | null;
  n: number;
  x_buffer: number;
  y_buffer: number;
  run: number;
}

export interface Neuron {
  index: number;
  weighted: number | null;
  bias: number | null;
  weights_step: number | null;
  lines: Column[] | null;
}

export interface Frame {
  kind: "frame";
  client: string;
  seq: number;
  layer: string;
  step: number;
  newest: boolean;
  sample: number;
  labels: string[];
  planes: Plane[];
  acknowledge: boolean;
  nth: number;
  order_buffer: number;
  neuron: Neuron | null;
}

export interface Event {
  step: number;
  name: "epoch" | "weights_averaged" | "no_update" | "breakpoint" | "notice";
  text: string;
}

export interface NonFinite {
  tensor: "weights" | "activations" | "gradients" | "activation_gradients";
  variable: string | null;
  count: number;
  size: number | null;
}

export interface Health {
  layer: string;
  gradient_l2: number | null;
  update_ratio: number | null;
  dead_share: number | null;
  non_finite: NonFinite[];
}

export interface Series {
  kind: "series";
  first_step: number;
  last_step: number;
  columns: Column[];
  events: Event[];
  health: Health[];
}

export interface Notice {
  kind: "notice";
  level: "info" | "warning" | "error";
  text: string;
}

export interface Failure {
  title: string;
  traceback: string;
}

export interface BreakpointEntry {
  number: number;
  condition: string;
  told: string;
  enabled: boolean;
  hits: number;
  broken: string | null;
  guard: boolean;
  for_steps: number;
  once: boolean;
}

export interface BranchEntry {
  name: string;
  parent: string | null;
  step: number;
  last_step: number;
}

export interface JournalEntry {
  step: number;
  branch: string;
  text: string;
  undone: boolean;
}

export interface Debugging {
  breakpoints: BreakpointEntry[];
  paused_by: string | null;
  refused: number | null;
  branches: BranchEntry[];
  branch: string;
  rewinds: boolean;
  journal: JournalEntry[];
  n_to_undo: number;
}

export interface Status {
  name: string;
  source: "session" | "recording" | "inspection" | "comparison";
  state: "idle" | "running" | "paused" | "finished" | "failed";
  step: number;
  total_steps: number | null;
  epoch: number;
  epochs: number;
  batch: number;
  steps_per_epoch: number | null;
  logs: Record<string, number | null>;
  steps_per_second: number | null;
  watch_cost: number | null;
  speed: number | null;
  activity: string | null;
  failure: Failure | null;
  samples: number;
  stopped: boolean;
  controls: boolean;
  runs: string[];
  debugging: Debugging | null;
}
