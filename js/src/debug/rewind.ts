/** Taking the session back: what that will be is asked first, and a person only where it is not all that was. */

import { send } from "../actions.ts";
import { plural, reasonOf } from "../format.ts";
import type { Plan } from "../protocol.gen.ts";
import type { Store } from "../store.ts";

/** What going back will be, in a sentence. */
export function planWords({ step, branch, again, exact }: Plan): string {
  const how = exact ? "exactly as it was" : "the state only, with the data from the beginning of their epoch";
  const taken = again === 0 ? "no step is taken again" : `${plural(again, "step")} taken again`;
  return `Back to step ${step} of ${branch}: ${how}, ${taken}.`;
}

/** Goes back at once if all will be as it was and there is nothing to remark; else asks first. */
export async function goBack(store: Store, step: number, branch: string | null): Promise<void> {
  try {
    const { plan } = await store.source.command({ kind: "plan", step, branch });
    if (plan === null) return;
    if (plan.exact && plan.remarks.length === 0) await carryOut(store, plan);
    else store.plan.value = plan;
  } catch (error) {
    store.source.tell("error", reasonOf(error));
  }
}

export async function carryOut(store: Store, plan: Plan): Promise<void> {
  store.plan.value = null;
  store.spoken.value = planWords(plan);
  // Who looks at it looks at where the session stands then.
  store.branch.value = null;
  store.cursor.move({ follow: true });
  await send(store, { kind: "rewind", step: plan.step, branch: plan.branch, state_only: !plan.exact });
}
