/** The annex as it is sent: its parts, and how they look. */

import style from "../styles/annex.css";

export * from "./index.ts";
export { style };
