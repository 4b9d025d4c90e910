/** The live source: a kernel at the other end of the widget's comm. */

import { signal } from "@preact/signals";
import { importAnnex } from "../annex/load.ts";
import { reasonOf } from "../format.ts";
import { type InspectorModel, listen, listenToMessages } from "../model.ts";
import { randomName } from "../names.ts";
import {
  type ClientMessage,
  type Frame,
  type LayerEntry,
  type Notice,
  PROTOCOL_VERSION,
  type ServerMessage,
} from "../protocol.gen.ts";
import { decodeFrame, decodeSeries } from "./decode.ts";
import { createLosses } from "./losses.ts";
import { type Answer, createPending, NoAnswer } from "./pending.ts";
import { createResync } from "./resync.ts";
import type { Connection, FrameData, FrameSource, SeriesData, Wanted } from "./source.ts";

export interface CommSource extends FrameSource {
  /** Says whether the kernel is there; a kernel that came back is greeted again. */
  setLive(live: boolean): void;
}

const FOREIGN = "ignored a message of another version of nnviz_widgets";

/** Of which kind it is, is seen where it is received. */
const isMessage = (content: unknown): content is ServerMessage =>
  typeof content === "object" && content !== null;

export function createCommSource(model: InspectorModel, abort: AbortSignal): CommSource {
  const client = randomName();
  const pending = createPending();
  const status = signal(model.get("_status"));
  const layers = signal<readonly LayerEntry[]>([]);
  const series = signal<SeriesData | null>(null);
  const frame = signal<FrameData | null>(null);
  const notice = signal<Notice | null>(null);
  const connection = signal<Connection>("connecting");
  let lastSeq = -1;
  let owedSeq = -1;
  let wanted: Wanted | null = null;
  let lastSent = "";
  let asking = false;

  const send = (message: ClientMessage): void => {
    if (connection.peek() !== "gone") model.send(message);
  };
  /** Of nobody nothing is asked. */
  async function request(message: (id: number) => ClientMessage): Promise<Answer> {
    if (connection.peek() === "gone") throw new Error("the kernel is gone");
    return pending.ask((id) => send(message(id)));
  }
  const tell = (level: Notice["level"], text: string): void => {
    notice.value = { kind: "notice", level, text };
  };
  const warn = (text: string): void => tell("warning", text);
  const losses = createLosses((text) => {
    if (notice.peek() !== null) return false;
    warn(text);
    return true;
  });

  /** Only what was asked for: each acknowledgement makes the kernel busy and idle, and JupyterLab redraws its icons. */
  function painted(seq: number): void {
    if (owedSeq < 0 || owedSeq > seq) return;
    send({ kind: "ack", client, seq: owedSeq });
    owedSeq = -1;
  }

  async function greet(): Promise<void> {
    connection.value = "connecting";
    lastSeq = -1;
    owedSeq = -1;
    lastSent = "";
    const hello = (id: number) => send({ kind: "ready", id, client, protocol: PROTOCOL_VERSION });
    try {
      // Patient: a kernel without subshells answers when the running cell ends, and asking again would only queue.
      await pending.ask(hello, true);
      connection.value = "live";
      void askForFrames();
    } catch (error) {
      if (connection.peek() !== "gone") tell("error", reasonOf(error));
    }
  }

  /** One `watch` is under way at a time: a busy kernel finds the newest wish, not all that a slider passed. */
  async function askForFrames(): Promise<void> {
    if (asking || wanted === null || connection.peek() !== "live") return;
    const text = JSON.stringify(wanted);
    if (text === lastSent) return;
    const { maps, ...rest } = wanted;
    lastSent = text;
    asking = true;
    try {
      await pending.ask((id) => send({ kind: "watch", id, client, ...rest, maps: [...maps] }));
    } catch (error) {
      if (error instanceof NoAnswer) lastSent = "";
      else if (connection.peek() === "live") warn(reasonOf(error));
    }
    asking = false;
    void askForFrames();
  }

  /** Whether frames should be coming now. */
  function expectsFrames(): boolean {
    const follows = wanted !== null && wanted.step === -1 && wanted.maps.length > 0;
    return follows && !document.hidden && status.peek()?.state === "running";
  }

  const resync = createResync(
    expectsFrames,
    () => {
      lastSent = "";
      void askForFrames();
    },
    abort,
  );

  /** Older frames are ignored: they may arrive twice, or in any order. One that is replaced before it was painted is
   * paid for with the one that takes its place. */
  function receiveFrame(message: Frame, buffers: readonly unknown[]): void {
    if (message.client !== client || message.seq <= lastSeq) return;
    lastSeq = message.seq;
    losses.count(message.nth);
    if (message.acknowledge) owedSeq = message.seq;
    if (message.step !== frame.peek()?.step) resync.heard();
    if (message.planes.length > 0) {
      frame.value = decodeFrame(message, buffers);
      return;
    }
    // The kernel asks for a sign of life. A hidden page gives none, as with any frame.
    requestAnimationFrame(() => painted(message.seq));
  }

  function receive(message: ServerMessage, buffers: readonly unknown[]): void {
    switch (message.kind) {
      case "reply":
        if (message.client === client) pending.answer(message, buffers);
        return;
      case "layers":
        layers.value = message.layers;
        return;
      case "frame":
        receiveFrame(message, buffers);
        return;
      case "series":
        series.value = decodeSeries(message, buffers);
        return;
      case "notice":
        notice.value = message;
        return;
      default:
        message satisfies never;
        warn(FOREIGN);
    }
  }

  function setLive(live: boolean): void {
    if (live && connection.peek() === "gone") {
      void greet().then(() => {
        if (connection.peek() === "live") tell("info", `Reconnected at step ${status.peek()?.step ?? 0}.`);
      });
    }
    if (live || connection.peek() === "gone") return;
    connection.value = "gone";
    pending.giveUp("the kernel is gone");
  }

  listenToMessages(model, abort, (content, buffers = []) => {
    if (!isMessage(content)) return warn(FOREIGN);
    try {
      receive(content, buffers);
    } catch (error) {
      warn(reasonOf(error));
    }
  });
  listen(model, "change:_status", abort, () => {
    status.value = model.get("_status");
  });
  listen(model, "comm:close", abort, () => setLive(false));
  abort.addEventListener("abort", () => {
    send({ kind: "gone", client });
    pending.giveUp("the view was closed");
  });
  void greet();

  return {
    status,
    layers,
    series,
    frame,
    notice,
    connection,
    waiting: pending.waiting,
    setLive,
    watch(next) {
      wanted = next;
      void askForFrames();
    },
    painted,
    command: (command) => request((id) => ({ ...command, id, client })),
    async read(place) {
      const { values } = await request((id) => ({ kind: "read", id, client, ...place }));
      return values?.[place.tensor] ?? "";
    },
    async annex() {
      const { buffers } = await request((id) => ({ kind: "annex", id, client }));
      return importAnnex(buffers[0]);
    },
    tell,
    dismissNotice() {
      notice.value = null;
    },
  };
}
