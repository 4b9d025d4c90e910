/**
 * What the annex is given and does not have itself: with a second preact in it, neither would know the components of the
 * other. Whatever it imports of these modules must be named here, or it is not built. All else is in both, as it is.
 */

import {
  batch,
  computed,
  effect,
  signal,
  untracked,
  useComputed,
  useSignal,
  useSignalEffect,
} from "@preact/signals";
import { Fragment } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { jsx, jsxs } from "preact/jsx-runtime";
import { useView } from "../view/context.ts";

export const HANDED = {
  preact: { Fragment },
  "preact/hooks": { useEffect, useMemo, useRef },
  "preact/jsx-runtime": { Fragment, jsx, jsxs },
  "@preact/signals": {
    batch,
    computed,
    effect,
    signal,
    untracked,
    useComputed,
    useSignal,
    useSignalEffect,
  },
  "view/context.ts": { useView },
};
