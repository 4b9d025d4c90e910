/**
 * The annex: what is loaded when it is first asked for, since a view is drawn before that without it. A shared page has
 * it from the start.
 */

export { Debugger } from "../debug/Debugger.tsx";
export { PlanDialog } from "../debug/Plan.tsx";
export { goBack } from "../debug/rewind.ts";
export { showFirstBad, showNextBad } from "../view/bad.ts";
export { Help } from "../view/Help.tsx";
export { Runs } from "../view/Runs.tsx";
export { Table } from "../view/Table.tsx";
export { ToolsPanel } from "../view/ToolsPanel.tsx";
