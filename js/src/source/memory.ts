/** The one source without a kernel: for shared files, the demo, tests and benchmarks. */

import { type Signal, signal } from "@preact/signals";
import * as annex from "../annex/reading.ts";
import { formatValue, reasonOf } from "../format.ts";
import { cellValue } from "../picture/bits.ts";
import { cellAt, sidesOf } from "../picture/side.ts";
import type { Notice, Status } from "../protocol.gen.ts";
import { pooledWords } from "../words.ts";
import { createAhead, type Lookout } from "./ahead.ts";
import { sorted } from "./drawn.ts";
import { planFrame, shownStep } from "./frames.ts";
import { createKept } from "./kept.ts";
import { planWhole } from "./maps.ts";
import { createOrders } from "./orders.ts";
import type { Answer } from "./pending.ts";
import { isReady, loadAll } from "./plan.ts";
import type { RecordedRun } from "./recorded.ts";
import type {
  Command,
  Connection,
  FrameData,
  FrameSource,
  Place,
  PlaneData,
  SeriesData,
  Wanted,
} from "./source.ts";

const DONE: Answer = {
  kind: "reply",
  client: "",
  id: 0,
  ok: true,
  error: null,
  values: null,
  column: null,
  completion: null,
  plan: null,
  settings: null,
  tried: null,
  variables: null,
  buffers: [],
};

/** What whoever holds the data may change while it is shown. */
export interface MemorySource extends FrameSource {
  readonly status: Signal<Status | null>;
  readonly connection: Signal<Connection>;
  readonly waiting: Signal<boolean>;
  /** At which steps anything of a layer is drawn, from the first to the last. */
  stepsOf(layer: string): readonly number[];
}

/** The value of a cell of the full picture, with what it stands for where it is not that one value. */
function valueAt({ plane, cells, missing }: PlaneData, { row, column }: Place): string {
  if (cells === null) throw new Error(missing ?? "not recorded");
  const { rows, cols } = sidesOf(plane);
  const value = formatValue(cellValue(cells, cellAt(rows, row) * plane.cols + cellAt(cols, column)));
  const pooled = pooledWords(plane).join(" ");
  return pooled === "" ? value : `${value}, ${pooled}`;
}

const refuse = (): void => {
  throw new Error("a recording cannot be run");
};

/**
 * Shows a recorded run.
 *
 * What is asked for is drawn at once where its cells are at hand. Otherwise they are loaded first; what was asked for
 * meanwhile and is not wanted any more is never loaded.
 */
export function createMemorySource(
  run: RecordedRun,
  onCommand: (command: Command) => void = refuse,
): MemorySource {
  const kept = createKept(run);
  const answering = { run, kept };
  const orders = createOrders(kept);
  const ahead = createAhead();
  const frame = signal<FrameData | null>(null);
  const notice = signal<Notice | null>(null);
  const series = signal<SeriesData | null>(run.series?.peek() ?? null);
  let seq = 0;
  let next: Wanted | null = null;
  let loading = false;

  const tell = (level: Notice["level"], text: string): void => {
    notice.value = { kind: "notice", level, text };
  };

  function around(wanted: Wanted): Lookout {
    const { layer, sample, maps } = wanted;
    const steps = kept.steps(layer, maps, sample);
    return {
      steps,
      place: steps.indexOf(shownStep(answering, wanted) ?? -1),
      needsAt: (step) => planFrame(answering, orders, { ...wanted, step }).needs,
    };
  }

  async function show(): Promise<void> {
    if (loading || next === null) return;
    const wanted = next;
    next = null;
    const plan = planFrame(answering, orders, wanted);
    if (!isReady(plan.needs)) {
      loading = true;
      await loadAll(plan.needs);
      loading = false;
    }
    seq += 1;
    frame.value = { seq, ...plan.draw() };
    if (next === null) ahead.from(() => around(wanted));
    else void show();
  }

  async function readSeries(): Promise<void> {
    try {
      series.value = (await run.series?.load()) ?? null;
    } catch (error) {
      tell("warning", reasonOf(error));
    }
  }
  if (series.value === null) void readSeries();

  return {
    status: signal<Status | null>(run.status),
    layers: signal(run.layers),
    series,
    frame,
    notice,
    connection: signal<Connection>("live"),
    waiting: signal(false),
    stepsOf: kept.stepsOf,
    watch(wanted) {
      if (wanted.maps.length === 0) return;
      ahead.stop();
      next = wanted;
      void show();
    },
    painted() {},
    async command(command) {
      onCommand(command);
      return DONE;
    },
    async read(place) {
      const { layer, step, sample, compare } = place;
      const asked = { ...place, part: "map" } as const;
      const at = kept.find(layer, asked, step, sample)?.step ?? step;
      const whole = planWhole(answering, { layer, sample, compare }, asked, at);
      await loadAll(whole.needs);
      // Of a place that is on screen: the neurons stand as they stand there.
      const order = place.order === null ? null : (frame.peek()?.order ?? null);
      return valueAt(order === null ? whole.draw() : sorted(whole.draw(), order), place);
    },
    annex: () => Promise.resolve(annex),
    tell,
    dismissNotice() {
      notice.value = null;
    },
  };
}
