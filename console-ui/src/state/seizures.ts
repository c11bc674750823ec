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
