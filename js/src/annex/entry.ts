/**
 * The annex: what is loaded when it is first asked for, since a view is drawn before that without it. Here as it is sent:
 * its parts, and how they look. A shared page has those for reading from the start.
 */

import style from "../styles/annex.css";

export * from "./debugging.ts";
export * from "./reading.ts";
export { style };
