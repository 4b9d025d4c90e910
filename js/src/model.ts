/** The part of a Jupyter widget model that this package uses, typed by its traits: a misspelt trait does not compile. */

import type { Status } from "./protocol.gen.ts";

export interface InspectorTraits {
  _status: Status | null;
  _panels: string[] | null;
  /** A reference to the cursor's model, `IPY_MODEL_<id>`. */
  cursor: string | null;
}

export interface CursorTraits {
  layer: string;
  layer_index: number;
  step: number;
  neuron: number;
  sample: number;
  follow: boolean;
}

type Name<Traits> = keyof Traits & string;
type PlainEvent<Traits> = `change:${Name<Traits>}` | "comm:close" | "comm_live_update" | "destroy";
type MessageHandler = (content: unknown, buffers?: readonly unknown[]) => void;

export interface Listenable<Traits> {
  on(event: PlainEvent<Traits>, handler: () => void): void;
  on(event: "msg:custom", handler: MessageHandler): void;
  off(event: PlainEvent<Traits>, handler: () => void): void;
  off(event: "msg:custom", handler: MessageHandler): void;
}

export interface Model<Traits> extends Listenable<Traits> {
  get<K extends Name<Traits>>(name: K): Traits[K];
  set<K extends Name<Traits>>(name: K, value: Traits[K]): void;
  save_changes(): void;
}

export interface InspectorModel extends Model<InspectorTraits> {
  send(content: unknown): void;
  readonly widget_manager?: { get_model(id: string): Promise<unknown> };
}

/** The raw model of the cursor. Unlike anywidget's proxy it tells whether the kernel is there. */
export interface CursorModel extends Model<CursorTraits> {
  readonly comm_live?: boolean;
}

/** Listens until `signal` aborts. */
export function listen<Traits>(
  model: Listenable<Traits>,
  event: PlainEvent<Traits>,
  signal: AbortSignal,
  handler: () => void,
): void {
  if (signal.aborted) return;
  model.on(event, handler);
  signal.addEventListener("abort", () => model.off(event, handler), { once: true });
}

/** Receives custom messages until `signal` aborts. */
export function listenToMessages<Traits>(
  model: Listenable<Traits>,
  signal: AbortSignal,
  handler: MessageHandler,
): void {
  if (signal.aborted) return;
  model.on("msg:custom", handler);
  signal.addEventListener("abort", () => model.off("msg:custom", handler), { once: true });
}

function isCursorModel(value: unknown): value is CursorModel {
  if (typeof value !== "object" || value === null) return false;
  return ["get", "set", "on", "off", "save_changes"].every(
    (name) => typeof Reflect.get(value, name) === "function",
  );
}

/** Returns the cursor's model, or `null` where the host has none to give. */
export async function resolveCursor(model: InspectorModel): Promise<CursorModel | null> {
  const reference = model.get("cursor");
  const id = /^(?:IPY_MODEL_|anywidget:)(.+)$/.exec(reference ?? "")?.[1];
  if (id === undefined || model.widget_manager === undefined) return null;
  const found = await model.widget_manager.get_model(id);
  return isCursorModel(found) ? found : null;
}
