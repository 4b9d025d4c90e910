import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { allowed } from "../actions.ts";
import { useView } from "../view/context.ts";
import { useName } from "../view/hooks.ts";
import { createTyping, type Typing } from "./condition.ts";
import { HowOften } from "./HowOften.tsx";

/** The ways to go on, beneath the field. The field keeps the focus. */
function Candidates({ typing, id, onTake }: { typing: Typing; id: string; onTake: (index: number) => void }) {
  const list = useRef<HTMLDivElement>(null);
  const chosen = typing.chosen.value;
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  if (typing.candidates.value.length === 0) return null;
  return (
    <div class="nnv-candidates" role="listbox" id={id} aria-label="ways to go on" ref={list}>
      {typing.candidates.value.map(({ text, sort }, i) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the field has the focus and names the chosen one
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field takes the keys
        <div
          key={text}
          id={`${id}-${i}`}
          role="option"
          aria-selected={i === chosen}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onTake(i)}
        >
          <code>{text}</code>
          <span>{sort}</span>
        </div>
      ))}
    </div>
  );
}

/** What is wrong, with a mark under the place in the text. */
function Wrong({ typing, id, scrolled }: { typing: Typing; id: string; scrolled: number }) {
  const fault = typing.fault.value;
  if (fault === null) return null;
  return (
    <p class="nnv-wrong" id={id} role="alert">
      {fault.at !== null && (
        <i aria-hidden="true" style={{ "--nnv-at": String(fault.at), "--nnv-scrolled": `${scrolled}px` }}>
          {"\u25b2"}
        </i>
      )}
      {fault.text}
    </p>
  );
}

/** A condition: Enter makes a breakpoint of it, or takes the chosen way to go on. */
export function ConditionField() {
  const { store } = useView();
  const typing = useMemo(() => createTyping(store.source), [store]);
  const field = useRef<HTMLInputElement>(null);
  const id = useName();
  const { text, candidates, chosen, fault } = typing;
  const open = candidates.value.length > 0;
  const ready = text.value.trim() !== "";

  const steps = useSignal(1);
  const once = useSignal(false);

  const add = async () => {
    const condition = text.peek();
    if (condition.trim() === "") return;
    const how = { for_steps: steps.peek(), once: once.peek() };
    if (!(await typing.send({ kind: "add breakpoint", condition, ...how }))) return;
    steps.value = 1;
    once.value = false;
  };
  const run = () => void typing.send({ kind: "run until", condition: text.peek() });
  const take = (index: number) => {
    const at = typing.take(index);
    // The text is in the field with the next rendering.
    requestAnimationFrame(() => field.current?.setSelectionRange(at, at));
  };
  const complete = () => {
    const { value = "", selectionStart = 0 } = field.current ?? {};
    typing.type(value, selectionStart ?? 0);
  };
  const move = (by: number) => {
    const [count, now] = [candidates.peek().length, chosen.peek()];
    chosen.value = (now < 0 && by < 0 ? count - 1 : now + by + count) % count;
  };
  // Keys come faster than the field is rendered: what they find is looked at, not what was drawn.
  const onKeyDown = (event: KeyboardEvent) => {
    const listed = candidates.peek().length > 0;
    const taking = listed && chosen.peek() >= 0;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        if (listed) move(event.key === "ArrowDown" ? 1 : -1);
        else complete();
        break;
      case "Enter":
        if (taking) take(chosen.peek());
        else void add();
        break;
      case "Tab":
        if (!taking || event.shiftKey) return;
        take(chosen.peek());
        break;
      case "Escape":
        typing.close();
        if (!listed) return;
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="nnv-condition">
      <div class="nnv-combo">
        <input
          ref={field}
          type="text"
          role="combobox"
          class="nnv-field nnv-code"
          aria-label="condition to pause at"
          aria-autocomplete="list"
          aria-expanded={open}
          aria-controls={open ? `${id}-list` : undefined}
          aria-activedescendant={chosen.value >= 0 ? `${id}-list-${chosen.value}` : undefined}
          aria-invalid={fault.value !== null}
          aria-describedby={fault.value === null ? undefined : `${id}-wrong`}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          maxLength={1000}
          placeholder="loss > 3 or nan"
          value={text.value}
          onInput={complete}
          onKeyDown={onKeyDown}
          onBlur={typing.close}
        />
        <Candidates typing={typing} id={`${id}-list`} onTake={take} />
      </div>
      <Wrong typing={typing} id={`${id}-wrong`} scrolled={field.current?.scrollLeft ?? 0} />
      <div class="nnv-condition-line">
        <HowOften steps={steps} once={once} onEnter={() => void add()} />
        <div class="nnv-condition-buttons">
          <button
            type="button"
            class="nnv-tool-button"
            disabled={!ready}
            onClick={() => void add()}
            title="Pause whenever it holds (Enter)"
          >
            Add
          </button>
          <button
            type="button"
            class="nnv-tool-button"
            disabled={!ready || steps.value > 1 || !allowed(store).run}
            onClick={run}
            title={
              steps.value > 1
                ? "It would pause at the first step: add a breakpoint to wait for several"
                : "Train on and pause once, as soon as it holds"
            }
          >
            Run until
          </button>
        </div>
      </div>
    </div>
  );
}
