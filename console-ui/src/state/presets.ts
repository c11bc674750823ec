// The reasons officers give most; a number key each. Free text stays possible.
export const REJECT_REASONS = ["bird or flock", "known flight, seen or announced", "ground clutter or weather", "sensor error", "already handled"];
export const HOLD_MINUTES = [5, 15, 30];
