import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useView } from "../view/context.ts";
import { useName } from "../view/hooks.ts";
import { carryOut, planWords } from "./rewind.ts";

/** Asks before the session goes back to what is not all as it was. Escape is no. */
export function PlanDialog() {
  const { store } = useView();
  const id = useName();
  const dialog = useRef<HTMLDialogElement>(null);
  const plan = store.plan.value;
  const shown = useComputed(() => store.plan.value !== null).value;
  useEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
    if (!shown) dialog.current?.close();
  }, [shown]);
  const close = () => {
    store.plan.value = null;
  };
  return (
    <dialog ref={dialog} class="nnv-help nnv-plan" aria-labelledby={id} onClose={close}>
      {plan !== null && (
        <>
          <h3 id={id}>{`Go back to step ${plan.step}?`}</h3>
          <p>{planWords(plan)}</p>
          {plan.remarks.length > 0 && (
            <ul>
              {plan.remarks.map((remark) => (
                <li key={remark}>{remark}</li>
              ))}
            </ul>
          )}
          <div class="nnv-plan-buttons">
            <button type="button" class="nnv-button" onClick={close}>
              Stay here
            </button>
            <button type="button" class="nnv-button nnv-primary" onClick={() => void carryOut(store, plan)}>
              Go back
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
