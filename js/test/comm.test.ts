import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PROTOCOL_VERSION } from "../src/protocol.gen.ts";
import { mapRequest } from "../src/requests.ts";
import { createCommSource } from "../src/source/comm.ts";
import { SLOW_MS, TIMEOUT_MS } from "../src/source/pending.ts";
import type { Wanted } from "../src/source/source.ts";
import { FakeKernel, frame, plane, replyTo, status } from "./fakes.ts";

const MAP = mapRequest("weights", 200, 600);
const NEWEST: Wanted = {
  layer: "hidden",
  step: -1,
  sample: 0,
  maps: [MAP],
  order: null,
  compare: null,
  run: "first" as const,
  branch: null,
  beside: null,
  neuron: 0,
};
const CELLS = new Float32Array(1);

let end = new AbortController();
beforeEach(() => {
  end = new AbortController();
});
afterEach(() => {
  end.abort();
  vi.useRealTimers();
});

async function connected(kernel = new FakeKernel()) {
  const source = createCommSource(kernel, end.signal);
  await expect.poll(() => source.connection.value).toBe("live");
  const show = (seq: number, changes = {}) =>
    kernel.say(frame(kernel.client, seq, [plane(1, 1)], changes), [CELLS.buffer]);
  return { kernel, source, show };
}

describe("greeting", () => {
  test("says ready once, in the kernel's version", async () => {
    const { kernel, source } = await connected();
    expect(kernel.of("ready")).toEqual([
      { kind: "ready", id: 1, client: kernel.client, protocol: PROTOCOL_VERSION },
    ]);
    expect(source.layers.value.map(({ path }) => path)).toEqual(["hidden", "digits"]);
  });

  test("a kernel of another version is heard", async () => {
    const kernel = new FakeKernel();
    kernel.answering = false;
    const source = createCommSource(kernel, end.signal);
    const [{ id, client } = { id: 0, client: "" }] = kernel.of("ready");
    kernel.say(replyTo({ client, id }, { error: "update the package" }));
    await expect.poll(() => source.notice.value?.text).toBe("update the package");
    expect(source.connection.value).toBe("connecting");
  });

  test("C05 two pages of one widget ignore each other's messages", async () => {
    const { source, show, kernel } = await connected();
    kernel.say(frame("another page", 5, [plane(1, 1)]), [CELLS.buffer]);
    expect(source.frame.value).toBeNull();
    show(1);
    expect(source.frame.value?.seq).toBe(1);
  });
});

describe("frames", () => {
  test("C02 the newest wins; duplicates and older ones are ignored", async () => {
    const { source, show } = await connected();
    for (const seq of [1, 3, 3, 2]) show(seq, { step: seq });
    expect(source.frame.value?.seq).toBe(3);
  });

  const acknowledged = (kernel: FakeKernel) => kernel.of("ack").map(({ seq }) => seq);

  test("C03 only what is asked for is acknowledged, and not before it is painted", async () => {
    const { kernel, source, show } = await connected();
    for (const seq of [1, 2]) {
      show(seq, { acknowledge: false });
      source.painted(seq);
    }
    show(3);
    expect(acknowledged(kernel)).toEqual([]);
    source.painted(3);
    source.painted(3);
    expect(acknowledged(kernel)).toEqual([3]);
  });

  test("C01 a frame that was replaced before it was painted is paid for with the one in its place", async () => {
    const { kernel, source, show } = await connected();
    show(1);
    show(2, { acknowledge: false });
    source.painted(2);
    show(4);
    show(6);
    source.painted(6);
    expect(acknowledged(kernel)).toEqual([1, 6]);
  });

  test("C01 a gap is no reason to stop", async () => {
    const { source, show } = await connected();
    show(1);
    show(40);
    expect(source.frame.value?.seq).toBe(40);
  });

  test("C01 C14 when frames stop coming they are asked for again, ever less often; a new step resets that", async () => {
    const { kernel, source, show } = await connected();
    kernel.set("_status", status({ state: "running" }));
    source.watch(NEWEST);
    await expect.poll(() => kernel.of("watch")).toHaveLength(1);
    vi.useFakeTimers();
    show(1, { step: 1 });
    const askedAfter = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return kernel.of("watch").length;
    };
    expect([await askedAfter(900), await askedAfter(200)]).toEqual([1, 2]);
    expect([await askedAfter(1800), await askedAfter(300)]).toEqual([2, 3]);
    show(2, { step: 2 });
    expect([await askedAfter(900), await askedAfter(200)]).toEqual([3, 4]);
    kernel.set("_status", status({ state: "paused" }));
    expect(await askedAfter(60_000)).toBe(4);
  });

  test("C14 frames that never came are counted and told, once in a while", async () => {
    const { source, show } = await connected();
    vi.useFakeTimers();
    let seq = 0;
    const came = (...numbers: number[]) => {
      for (const nth of numbers) show(++seq, { nth });
      return source.notice.value?.text ?? "";
    };
    expect(came(1, 2, 3)).toBe("");
    expect(came(16)).toMatch(/^12 pictures did not reach this page\. The server drops messages/);
    source.dismissNotice();
    expect(came(20)).toBe("");
    vi.advanceTimersByTime(600_000);
    expect(came(21)).toMatch(/^3 pictures/);
  });

  test("C14 what the person has not read yet is not replaced by the count of lost frames", async () => {
    const { source, show } = await connected();
    source.tell("error", "the loss is NaN");
    show(1, { nth: 1 });
    show(2, { nth: 3 });
    expect(source.notice.value?.text).toBe("the loss is NaN");
    source.dismissNotice();
    show(3, { nth: 4 });
    expect(source.notice.value?.text).toMatch(/^1 picture did/);
  });

  test("C14 no frame is missed by a page that was reloaded, one of two, or greeted again", async () => {
    const { kernel, source, show } = await connected();
    show(50, { nth: 7 });
    kernel.say(frame("another page", 51, [plane(1, 1)], { nth: 99 }), [CELLS.buffer]);
    show(52, { nth: 8 });
    show(52, { nth: 8 });
    kernel.fire("comm:close");
    source.setLive(true);
    await expect.poll(() => source.notice.value?.text).toMatch("Reconnected");
    source.dismissNotice();
    show(60, { nth: 9 });
    show(61, { nth: 1 });
    kernel.say(frame(kernel.client, 62, [], { nth: 2 }));
    show(63, { nth: 3 });
    expect(source.notice.value).toBeNull();
  });

  test("a frame of nothing is a question whether anybody paints", async () => {
    const { kernel, source } = await connected();
    kernel.say(frame(kernel.client, 7, [], { layer: "" }));
    await expect.poll(() => kernel.of("ack").map(({ seq }) => seq)).toEqual([7]);
    expect(source.frame.value).toBeNull();
  });

  test("C15 nonsense is told and changes nothing", async () => {
    const { kernel, source } = await connected();
    for (const nonsense of [null, 3, "frame", {}, { kind: "launch" }])
      kernel.fire("msg:custom", nonsense, []);
    expect(source.notice.value?.text).toMatch("another version");
    expect(source.connection.value).toBe("live");
  });
});

describe("watch", () => {
  test("while one is under way only the newest wish is kept", async () => {
    const { kernel, source } = await connected();
    kernel.answering = false;
    for (let step = 1; step <= 50; step++) source.watch({ ...NEWEST, step });
    expect(kernel.of("watch").map(({ step }) => step)).toEqual([1]);
    const [first] = kernel.of("watch");
    if (first !== undefined) kernel.answer(first);
    await expect.poll(() => kernel.of("watch").map(({ step }) => step)).toEqual([1, 50]);
  });

  test("the same wish is not sent twice", async () => {
    const { kernel, source } = await connected();
    source.watch(NEWEST);
    await expect.poll(() => kernel.of("watch")).toHaveLength(1);
    source.watch({ ...NEWEST });
    source.watch({ ...NEWEST, sample: 2 });
    await expect.poll(() => kernel.of("watch").map(({ sample }) => sample)).toEqual([0, 2]);
  });
});

describe("commands", () => {
  test("a refusal is the command's failure", async () => {
    const { kernel, source } = await connected();
    const asked = source.command({ kind: "run", until: null });
    const [{ id, client } = { id: 0, client: "" }] = kernel.of("run");
    kernel.say(replyTo({ client, id }, { error: "the session is closed" }));
    await expect(asked).rejects.toThrow("the session is closed");
  });

  test("values come with the reply", async () => {
    const { kernel, source } = await connected();
    const place = {
      layer: "hidden",
      step: -1,
      sample: 0,
      tensor: "weights" as const,
      row: 3,
      column: 4,
      variable: null,
      output: 0,
      at: {},
      complex: "abs" as const,
      order: null,
      compare: null,
      run: "first" as const,
      branch: null,
      beside: null,
    };
    const asked = source.read(place);
    const [{ id, client } = { id: 0, client: "" }] = kernel.of("read");
    kernel.say(replyTo({ client, id }, { values: { weights: "1e-45" } }));
    await expect(asked).resolves.toBe("1e-45");
  });

  test("C12 a busy kernel is waited for in words, and at last given up", async () => {
    const { source } = await connected();
    vi.useFakeTimers();
    const asked = source.command({ kind: "pause" });
    const failure = expect(asked).rejects.toThrow("no answer from the kernel");
    expect(source.waiting.value).toBe(false);
    vi.advanceTimersByTime(SLOW_MS);
    expect(source.waiting.value).toBe(true);
    vi.advanceTimersByTime(TIMEOUT_MS - SLOW_MS);
    expect(source.waiting.value).toBe(false);
    await failure;
  });
});

describe("the kernel goes and comes", () => {
  test("open questions fail, nothing more is sent, and a new kernel is greeted", async () => {
    const { kernel, source } = await connected();
    const asked = source.command({ kind: "stop" });
    kernel.fire("comm:close");
    await expect(asked).rejects.toThrow("the kernel is gone");
    expect(source.connection.value).toBe("gone");
    const before = kernel.sent.length;
    source.watch(NEWEST);
    await expect(source.command({ kind: "stop" })).rejects.toThrow("the kernel is gone");
    expect(kernel.sent).toHaveLength(before);
    source.setLive(true);
    await expect.poll(() => source.connection.value).toBe("live");
    await expect.poll(() => kernel.of("watch")).toHaveLength(1);
    expect(source.notice.value?.text).toBe("Reconnected at step 412.");
  });

  test("the status is a trait", async () => {
    const { kernel, source } = await connected();
    kernel.set("_status", status({ step: 500 }));
    expect(source.status.value?.step).toBe(500);
  });

  test("at the end it says so and no listener is left", async () => {
    const { kernel } = await connected();
    end.abort();
    expect(kernel.of("gone")).toHaveLength(1);
    expect(kernel.listenerCount).toBe(0);
  });
});
