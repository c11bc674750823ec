"""ROOM 6: what the record of seizures can say, and what it cannot.

**Takes** tables of seizures, incidents and production as bytes, arrays or records, and logged inclusion probabilities.
**Gives** a clean register, and statements about it: each with its interval, its reasons, or its refusal.
**Keeps** nothing.
**May import** every room below it; numpy, scipy, polars, statsmodels; python-calamine and xlsxwriter for bytes.
**Never** reads a file, counts a seizure as a flow, adds tablets to kilograms, or says anything about a person.
"""

from araz.intelligence._changes import (
    ChangePoint,
    Lag,
    MarketReading,
    ShockReading,
    Slope,
    change_points,
    read_market,
    serial_correlation,
    supply_shock,
)
from araz.intelligence._claims import Finding, judge_claims
from araz.intelligence._composition import (
    Composition,
    DirichletMultinomial,
    ShareTest,
    Turn,
    compare_shares,
    compose,
    composition_by_period,
    fit_dirichlet_multinomial,
    seizure_matrix,
    turn_in_totals,
)
from araz.intelligence._displacement import (
    Counterfactual,
    Displacement,
    Quotient,
    Shift,
    counterfactual,
    displacement,
    shift_of_mix,
    weighted_displacement_quotient,
)
from araz.intelligence._exchange import import_own, is_own_layout, to_csv, to_xlsx
from araz.intelligence._flows import FLOOR, FlowEstimate, estimate_flow
from araz.intelligence._forecast import Forecast, Score, croston, forecast, seasonal_naive, tsb
from araz.intelligence._import import LINE_SCHEMA, Conversion, ImportResult, import_table
from araz.intelligence._mapping import Mapping, mapping_from_toml, recognise
from araz.intelligence._periods import Increment, difference_cumulative
from araz.intelligence._records import lines_of, records_of
from araz.intelligence._series import monthly_series
from araz.intelligence._tables import Problem, Table, read_table
from araz.intelligence._totals import (
    CONSIGNMENT_CV,
    CONSIGNMENTS_KG,
    Interval,
    consignment_that_would_tell,
    difference_of_totals,
    ratio_of_counts,
    ratio_of_totals,
    share_of_two,
    total_half_width,
)
from araz.intelligence._when import Claim, Period, claim_of, period_of
from araz.intelligence._words import MODE_NAMES, SUBSTANCE_NAMES, UNLISTED, mode_of, substance_of, unit_of

__all__ = [
    "CONSIGNMENTS_KG",
    "CONSIGNMENT_CV",
    "FLOOR",
    "LINE_SCHEMA",
    "MODE_NAMES",
    "SUBSTANCE_NAMES",
    "UNLISTED",
    "ChangePoint",
    "Claim",
    "Composition",
    "Conversion",
    "Counterfactual",
    "DirichletMultinomial",
    "Displacement",
    "Finding",
    "FlowEstimate",
    "Forecast",
    "ImportResult",
    "Increment",
    "Interval",
    "Lag",
    "Mapping",
    "MarketReading",
    "Period",
    "Problem",
    "Quotient",
    "Score",
    "ShareTest",
    "Shift",
    "ShockReading",
    "Slope",
    "Table",
    "Turn",
    "change_points",
    "claim_of",
    "compare_shares",
    "compose",
    "composition_by_period",
    "consignment_that_would_tell",
    "counterfactual",
    "croston",
    "difference_cumulative",
    "difference_of_totals",
    "displacement",
    "estimate_flow",
    "fit_dirichlet_multinomial",
    "forecast",
    "import_own",
    "import_table",
    "is_own_layout",
    "judge_claims",
    "lines_of",
    "mapping_from_toml",
    "mode_of",
    "monthly_series",
    "period_of",
    "ratio_of_counts",
    "ratio_of_totals",
    "read_market",
    "read_table",
    "recognise",
    "records_of",
    "seasonal_naive",
    "seizure_matrix",
    "serial_correlation",
    "share_of_two",
    "shift_of_mix",
    "substance_of",
    "supply_shock",
    "to_csv",
    "to_xlsx",
    "total_half_width",
    "tsb",
    "turn_in_totals",
    "unit_of",
    "weighted_displacement_quotient",
]
