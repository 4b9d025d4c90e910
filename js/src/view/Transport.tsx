import { useSignal } from "@preact/signals";
import { allowed, goBack, send, toggleDebugger, wayBack } from "../actions.ts";
import { formatMetric, formatRate, plural } from "../format.ts";
import { comesLater } from "../later.ts";
import type { Status } from "../protocol.gen.ts";
import type { Command } from "../source/source.ts";
import { useView } from "./context.ts";
import { Failure } from "./Failure.tsx";
import { Icon } from "./icons.tsx";

const SPEEDS = [1, 5, 20];
const MOST_LOGS = 4;

interface ButtonProps {
  readonly icon: "run" | "pause" | "back" | "step" | "epoch" | "stop";
  readonly label: string;
  readonly title: string;
  readonly command?: Command;
  /** In the place of a command. */
  readonly act?: () => void;
  readonly enabled: boolean;
  readonly primary?: boolean;
}

/** A button that shows, while it waits for the kernel, that it was heard. */
function CommandButton({ icon, label, title, command, act, enabled, primary = false }: ButtonProps) {
  const { store } = useView();
  const busy = useSignal(false);
  // A browser takes the focus from what is disabled: whoever steps by keyboard would have to find the way back each time.
  const focused = useSignal(false);
  const press = async () => {
    if (!enabled) return;
    act?.();
    if (command === undefined) return;
    busy.value = true;
    await send(store, command);
    busy.value = false;
  };
  return (
    <button
      type="button"
      class={primary ? "nnv-button nnv-primary" : "nnv-button"}
      title={title}
      disabled={!enabled && !focused.value}
      aria-disabled={enabled ? undefined : "true"}
      aria-busy={busy}
      onFocus={() => {
        focused.value = true;
      }}
      onBlur={() => {
        focused.value = false;
      }}
      onClick={() => void press()}
    >
      <Icon name={icon} />
      <span class={primary || icon === "back" ? undefined : "nnv-name"}>{label}</span>
    </button>
  );
}

function Buttons() {
  const { store } = useView();
  const can = allowed(store);
  const running = store.source.status.value?.state === "running";
  return (
    <div class="nnv-buttons">
      {running ? (
        <CommandButton
          primary
          icon="pause"
          label="Pause"
          title="Pause after one more step (space)"
          command={{ kind: "pause" }}
          enabled={can.pause}
        />
      ) : (
        <CommandButton
          primary
          icon="run"
          label="Run"
          title="Train on (space)"
          command={{ kind: "run", until: null }}
          enabled={can.run}
        />
      )}
      <BackButton enabled={can.back} />
      <CommandButton
        icon="step"
        label="Step"
        title="Train on one batch"
        command={{ kind: "step", n: 1 }}
        enabled={can.step}
      />
      <CommandButton
        icon="epoch"
        label="Epoch"
        title="Train to the end of the epoch"
        command={{ kind: "run", until: "epoch" }}
        enabled={can.step}
      />
      <CommandButton
        icon="stop"
        label="Stop"
        title="End training for good; it cannot be resumed"
        command={{ kind: "stop" }}
        enabled={can.stop}
      />
      <Speed enabled={can.run || can.pause} />
      <DebugButton />
    </div>
  );
}

/** A step back, or to the step that is looked at. */
function BackButton({ enabled }: { enabled: boolean }) {
  const { store } = useView();
  const status = store.source.status.value;
  if (!status?.debugging) return null;
  const { step, branch } = wayBack(store);
  const one = step === status.step - 1 && branch === null;
  const where = branch === null ? `step ${step}` : `step ${step} of ${branch}`;
  return (
    <CommandButton
      icon="back"
      label={one ? "Back" : `To ${step}`}
      title={one ? "Go back one step (B)" : `Take the model to ${where} (B)`}
      act={() => goBack(store)}
      enabled={enabled && step >= 0}
    />
  );
}

/** Opens what stops, takes back and changes the training. */
function DebugButton() {
  const { store } = useView();
  const debugging = store.source.status.value?.debugging;
  if (!debugging) return null;
  const n = debugging.breakpoints.filter(({ enabled }) => enabled).length;
  return (
    <button
      type="button"
      class="nnv-button"
      aria-expanded={store.debugging.value}
      title="Breakpoints, edits, branches (D)"
      onClick={() => toggleDebugger(store)}
    >
      Debug
      {n > 0 && (
        <span class="nnv-badge" title={plural(n, "breakpoint")}>
          {n}
        </span>
      )}
    </button>
  );
}

function Speed({ enabled }: { enabled: boolean }) {
  const { store } = useView();
  const speed = store.source.status.value?.speed ?? null;
  const choices = speed === null || SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed];
  const choose = (text: string) =>
    void send(store, { kind: "speed", steps_per_second: text === "" ? null : Number(text) });
  return (
    <select
      class="nnv-select"
      aria-label="steps a second at most"
      title="Steps a second at most"
      disabled={!enabled}
      value={speed === null ? "" : String(speed)}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      <option value="">full speed</option>
      {choices.map((choice) => (
        <option key={choice} value={String(choice)}>
          {`${choice} /s`}
        </option>
      ))}
    </select>
  );
}

function describe(status: Status): string {
  if (status.activity !== null) return status.activity;
  if (status.source === "inspection") return "one batch, in inference mode";
  if (status.source !== "session" && status.state === "running") return "being recorded";
  if (status.source === "recording") return `recorded up to step ${status.step}`;
  if (status.source !== "session") return status.source;
  const by = status.debugging?.paused_by;
  if (status.state === "paused") return `paused at step ${status.step}${by ? ` by ${by}` : ""}`;
  if (status.state !== "finished") return status.state;
  if (status.stopped) return `stopped at step ${status.step}`;
  // A callback ended it, as early stopping does.
  const early = status.total_steps !== null && status.step < status.total_steps;
  return early ? `finished at step ${status.step}` : "finished";
}

function Chip({ status }: { status: Status }) {
  const waiting = useView().store.source.waiting.value;
  // Where this page is not heard, it is told of the running cell all the same.
  const text = waiting && !comesLater(status) ? "waiting for the running cell" : describe(status);
  return (
    <span class={`nnv-chip nnv-is-${status.state}`} role="status" title={text}>
      <i class="nnv-dot" />
      {text}
    </span>
  );
}

function Figure({ value, label, title }: { value: string; label: string; title?: string }) {
  return (
    <div class="nnv-figure" title={title}>
      <b>{value}</b>
      <span>{label}</span>
    </div>
  );
}

const outOf = (value: number, total: number | null): string =>
  total === null ? `${value}` : `${value} / ${total}`;

function Figures({ status }: { status: Status }) {
  const logs = Object.entries(status.logs);
  const shown = logs.slice(0, MOST_LOGS);
  const all = logs.map(([name, value]) => `${name} ${formatMetric(value)}`).join("\n");
  const cost =
    status.watch_cost === null ? "speed" : `watching costs ${Math.round(status.watch_cost * 100)} %`;
  const trained = status.source !== "inspection";
  return (
    <div class="nnv-figures">
      {trained && <Figure value={outOf(status.step, status.total_steps)} label="step" />}
      {trained && status.epochs > 0 && (
        <Figure value={outOf(status.epoch + 1, status.epochs)} label="epoch" />
      )}
      {shown.map(([name, value]) => (
        <Figure key={name} value={formatMetric(value)} label={name} title={all} />
      ))}
      {status.steps_per_second !== null && (
        <Figure value={formatRate(status.steps_per_second)} label={cost} />
      )}
    </div>
  );
}

function HelpButton({ onHelp }: { onHelp: () => void }) {
  return (
    <button
      type="button"
      class="nnv-ask"
      aria-label="keys"
      aria-haspopup="dialog"
      title="Keys (?)"
      onClick={onHelp}
    >
      ?
    </button>
  );
}

/** Run, pause, step; how it stands; the figures. A recording has no buttons. */
export function Transport({ onHelp }: { onHelp: () => void }) {
  const { store, parts } = useView();
  const status = (parts ?? store.source).status.value;
  if (status === null) return null;
  return (
    <>
      <div class="nnv-transport">
        {parts !== null ? <parts.Controls /> : status.source === "session" && status.controls && <Buttons />}
        <Chip status={status} />
        <Figures status={status} />
        <HelpButton onHelp={onHelp} />
      </div>
      {status.failure !== null && <Failure failure={status.failure} />}
    </>
  );
}
