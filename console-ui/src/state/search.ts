// The search grid on the phone: the same rule as araz.intercept.search, so that a square marked without a network counts at once.
import type { SearchPlan } from "../vocabulary";

/** Bayes after squares were walked and held nothing: p(1 - d) / Z in them, p / Z elsewhere. */
export function searched(plan: SearchPlan, names: readonly string[], detection: number): SearchPlan {
  const walked = new Set(names);
  const found = plan.squares.reduce((sum, one) => sum + (walked.has(one.name) ? detection * (one.probability ?? 0) : 0), 0);
  const left = 1 - found;
  if (walked.size === 0 || left <= 0) return plan;
  return {
    ...plan,
    outside: (plan.outside ?? 0) / left,
    squares: plan.squares.map((one) => {
      const d = walked.has(one.name) ? detection : 0;
      return { ...one, probability: ((one.probability ?? 0) * (1 - d)) / left, searched: 1 - (1 - (one.searched ?? 0)) * (1 - d) };
    }),
  };
}
