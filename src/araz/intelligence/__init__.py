"""ROOM 6: what the record of seizures can say, and what it cannot.

**Takes** tables of seizures, incidents and production as bytes, arrays or records, and logged inclusion probabilities.
**Gives** a clean register, and statements about it: each with its interval, its reasons, or its refusal.
**Keeps** nothing.
**May import** every room below it; numpy, scipy, polars, statsmodels; python-calamine and xlsxwriter for bytes.
**Never** reads a file, counts a seizure as a flow, adds tablets to kilograms, or says anything about a person.
"""

from araz.intelligence._changes import (
    ChangePoint,
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
    singles,
    turn_in_totals,
)
from araz.intelligence._crews import (
    CrewModel,
    CrewOdds,
    Sortie,
    Weight,
    crew_odds,
    fit_to_record,
    learn_crews,
    link_sorties,
)
from araz.intelligence._displacement import (
    FEWEST_BEFORE,
    Counterfactual,
    Displacement,
    Shift,
    counterfactual,
    displacement,
    shift_of_mix,
    weighted_displacement_quotient,
)
from araz.intelligence._exchange import import_own, is_own_layout, to_csv, to_xlsx
from araz.intelligence._flows import FLOOR, estimate_flow
from araz.intelligence._forecast import Forecast, Score, croston, forecast, seasonal_naive, tsb
from araz.intelligence._import import LINE_SCHEMA, ImportResult, import_table
from araz.intelligence._mapping import Mapping, mapping_from_toml, recognise
from araz.intelligence._near_repeat import SelfExciting, fit_self_exciting, near_repeat
from araz.intelligence._neighbours import Neighbour, neighbours_of
from araz.intelligence._periods import difference_cumulative
from araz.intelligence._records import lines_of, records_of
from araz.intelligence._report import (
    Chart,
    Line,
    MonthlyReport,
    Section,
    in_words_of,
    month_rows,
    monthly_report,
    report_html,
    total_from_loads,
)
from araz.intelligence._routes import (
    Closure,
    Network,
    Observed,
    Provenance,
    RouteFlows,
    close_route,
    estimate_routes,
    find_paths,
    network_from_toml,
    provenance,
)
from araz.intelligence._series import monthly_series
from araz.intelligence._tables import ROW, Problem, Table, read_table
from araz.intelligence._totals import (
    CONSIGNMENTS_KG,
    Interval,
    consignment_that_would_tell,
    difference_of_totals,
    ratio_of_counts,
    total_half_width,
)
from araz.intelligence._when import Claim, claim_of, period_of
from araz.intelligence._where import (
    BorderDensity,
    Cluster,
    EffortRate,
    border_density,
    effort_rates,
    space_time_scan,
)

__all__ = [
    "CONSIGNMENTS_KG",
    "FEWEST_BEFORE",
    "FLOOR",
    "LINE_SCHEMA",
    "ROW",
    "BorderDensity",
    "ChangePoint",
    "Chart",
    "Claim",
    "Closure",
    "Cluster",
    "Composition",
    "Counterfactual",
    "CrewModel",
    "CrewOdds",
    "DirichletMultinomial",
    "Displacement",
    "EffortRate",
    "Finding",
    "Forecast",
    "ImportResult",
    "Interval",
    "Line",
    "Mapping",
    "MonthlyReport",
    "Neighbour",
    "Network",
    "Observed",
    "Problem",
    "Provenance",
    "RouteFlows",
    "Score",
    "Section",
    "SelfExciting",
    "ShareTest",
    "Shift",
    "Sortie",
    "Table",
    "Turn",
    "Weight",
    "border_density",
    "change_points",
    "claim_of",
    "close_route",
    "compare_shares",
    "compose",
    "composition_by_period",
    "consignment_that_would_tell",
    "counterfactual",
    "crew_odds",
    "croston",
    "difference_cumulative",
    "difference_of_totals",
    "displacement",
    "effort_rates",
    "estimate_flow",
    "estimate_routes",
    "find_paths",
    "fit_dirichlet_multinomial",
    "fit_self_exciting",
    "fit_to_record",
    "forecast",
    "import_own",
    "import_table",
    "in_words_of",
    "is_own_layout",
    "judge_claims",
    "learn_crews",
    "lines_of",
    "link_sorties",
    "mapping_from_toml",
    "month_rows",
    "monthly_report",
    "monthly_series",
    "near_repeat",
    "neighbours_of",
    "network_from_toml",
    "period_of",
    "provenance",
    "ratio_of_counts",
    "read_market",
    "read_table",
    "recognise",
    "records_of",
    "report_html",
    "seasonal_naive",
    "seizure_matrix",
    "serial_correlation",
    "shift_of_mix",
    "singles",
    "space_time_scan",
    "supply_shock",
    "to_csv",
    "to_xlsx",
    "total_from_loads",
    "total_half_width",
    "tsb",
    "turn_in_totals",
    "weighted_displacement_quotient",
]
