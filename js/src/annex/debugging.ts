/** What needs a session to press buttons of: no shared page has it. */

export { Debugger } from "../debug/Debugger.tsx";
export { PlanDialog } from "../debug/Plan.tsx";
export { goBack } from "../debug/rewind.ts";
