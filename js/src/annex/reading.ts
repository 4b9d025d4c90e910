/** What helps to read what is shown: also a shared page has it. */

export { showFirstBad, showNextBad } from "../view/bad.ts";
export { Help } from "../view/Help.tsx";
export { Runs } from "../view/Runs.tsx";
export { Table } from "../view/Table.tsx";
export { ToolsPanel } from "../view/ToolsPanel.tsx";
