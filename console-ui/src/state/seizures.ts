// The shapes of the analyst's answers that are no records of the vocabulary: what the commands print with --json.
export interface Interval {
  estimate: number | null;
  low: number | null;
  high: number | null;
}

/** araz seizures composition --json */
export interface Shares {
  periods: {
    first: string;
    last: string;
    seizures: number;
    kilograms: number;
    largest_share: number;
    kg_shares: Record<string, Interval>;
    count_shares: Record<string, Interval>;
  }[];
}

/** araz seizures claims --json */
export interface ClaimsFound {
  findings: { verdict: string; statement: string; caveats: string[]; needed: string[] }[];
  refused: string[];
}

/** araz seizures list --json */
export interface SeizuresFound {
  seizures: number;
  sums: { substance: string; base_unit: string; amounts: number; base_quantity: number }[];
  /** A record leaves out what is unknown. */
  records: {
    seizure_id: string;
    date: string;
    date_to?: string;
    place?: string;
    region?: string;
    country?: string;
    transport?: string;
    source?: string;
    amounts?: { substance: string; quantity?: number | null; unit?: string }[];
  }[];
}

/** One revision of a seizure: who changed what, when and why. */
export interface Revision {
  seizure_id: string;
  revision: number;
  changed_at_us: number;
  changed_by: string;
  reason: string;
  record?: Record<string, unknown> | null;
}

/** araz seizures changes --json and forecast --json, with the series they speak of */
export interface SeriesFound {
  months: string[];
  values: (number | null)[];
  changes: { alpha: number; serial_correlation: number; changes: { date: string; before: number; after: number; p_value: number }[] };
  forecast: Record<string, ForecastFound> | null;
  refused: string | null;
}

export interface ForecastFound {
  model: string;
  mean: number[];
  low: number[];
  high: number[];
  level: number;
  sentence: string;
  scores: { model: string; mase: number; crps: number; coverage: number; judged: number; coverage_low: number; coverage_high: number }[];
}

/** araz seizures routes --json */
export interface RoutesFound {
  nodes: Record<string, { title: string; latitude_deg: number; longitude_deg: number }>;
  observed: { place: string; low: number; high: number | null }[];
  edges: { start: string; end: string; central: number; low: number; high: number | null }[];
  total: (number | null)[];
  closure: { start: string; end: string; before: number; after: number; after_low: number; after_high: number }[];
  provenance: { sentence: string } | null;
  notes: string[];
}

/** araz seizures crews --json: the likeliest pairs, and of how many */
export interface CrewsFound {
  sorties: number;
  pairs: number;
  links: {
    one: string;
    other: string;
    probability: number;
    low: number;
    high: number;
    prior: number;
    weights: { feature: string; weight: number; sentence: string }[];
    would_refute: string[];
  }[];
}

/** araz seizures displacement --json */
export interface MovedFound {
  periods: string[];
  change: number;
  treated: number[];
  control: number[];
  counterfactual: { expected: number[]; low: number[]; high: number[]; effect: Interval; sentence: string } | null;
  neighbours: {
    by: string;
    places: string[];
    counts: number[];
    direct: Interval | null;
    neighbours: Interval | null;
    p_direct: number | null;
    p_neighbours: number | null;
    quotient: { value: number | null; meaning: string };
    verdict: string;
    sentence: string;
    pretended: { edges: number[]; direct: number[]; neighbours: number[]; seen_direct: number; seen_neighbours: number } | null;
  }[];
  shifts: { kind: string; before: Record<string, number>; after: Record<string, number>; p_value: number | null; verdict: string }[];
  notes: string[];
}

/** araz seizures where --json */
export interface WhereFound {
  label: string;
  edges_km: number[];
  counts: number[];
  density: { at_km: number[]; per_km: number[]; low: number[]; high: number[]; effort_per_km: number[] | null; per_effort: (number | null)[] | null };
  rates: { effort: number; rate: number | null; low: number | null; high: number | null }[];
  sentences: string[];
}
