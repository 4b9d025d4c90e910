/** A shared file: the view of a notebook on what the file holds, without a kernel, a network or storage. */

import { reasonOf } from "./format.ts";
import "./styles/page.css";
import { computed, signal } from "@preact/signals";
import { render } from "preact";
import { createCursor } from "./cursor.ts";
import { ROOT_ID } from "./document.gen.ts";
import { mount } from "./mount.tsx";
import { createAppearance } from "./page/appearance.ts";
import { Controls } from "./page/Controls.tsx";
import { Header } from "./page/Header.tsx";
import { Missing } from "./page/Histogram.tsx";
import { listenToKeys } from "./page/keys.ts";
import { type Packed, readPacked } from "./page/packed.ts";
import { createPlayer } from "./page/player.ts";
import { preparePrinting } from "./page/printing.ts";
import { standingAt } from "./page/standing.ts";
import { createMemorySource } from "./source/memory.ts";
import { createStore } from "./store.ts";

/** The one that the file says, or the first of which there is more to see than words. */
function firstLayer({ layer, layers, pictures }: Packed["shared"]): string {
  const drawn = new Set(pictures.filter(({ cells }) => cells >= 0).map((each) => each.layer));
  return [layer, ...layers.map(({ path }) => path)].find((path) => drawn.has(path)) ?? layer;
}

/** Takes the place of the text for readers without scripts. */
function show(root: HTMLElement, { shared, run, manifest }: Packed): void {
  const source = createMemorySource(run);
  const cursor = createCursor();
  cursor.move({ layer: firstLayer(shared) });
  const forever = new AbortController().signal;
  const store = createStore(source, cursor, signal(shared.panels), forever);
  const player = createPlayer(store, source.stepsOf, forever);
  const status = computed(() => {
    const { activity } = shared.status;
    return standingAt({ ...run.status, activity }, source.series.value, store.shownStep.value);
  });
  const appearance = createAppearance();
  const header = document.createElement("header");
  header.className = "nnv-page-head";
  const view = document.createElement("main");
  // The headings of the view are those of a notebook's output: one is missing between the title and them.
  const heading = document.createElement("h2");
  heading.className = "nnv-page-heading";
  heading.textContent = "Recording";
  view.append(heading);
  root.replaceChildren(header, view);
  root.classList.add("nnv-page");
  render(<Header title={shared.title} manifest={manifest} appearance={appearance} />, header);
  mount(store, view, { Controls: () => <Controls player={player} />, status, Missing });
  listenToKeys(view, player);
  preparePrinting(appearance);
}

/** Above the text for readers without scripts, which stays. */
function sayWhyNot(root: HTMLElement, error: unknown): void {
  const words = document.createElement("p");
  words.className = "nnv-page-error";
  words.setAttribute("role", "alert");
  words.textContent = `This file cannot be shown. ${reasonOf(error)}`;
  root.prepend(words);
}

async function open(): Promise<void> {
  const root = document.getElementById(ROOT_ID);
  if (root === null) return;
  try {
    show(root, await readPacked());
  } catch (error) {
    sayWhyNot(root, error);
  }
}

void open();
