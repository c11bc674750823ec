"""``araz seizures …``: the register of seizures and what may be said from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from araz.app._data import REGISTER

seizures = cyclopts.App(
    name="seizures",
    help="Keep the register of seizures, and say from it what it can say. Each command shows an example with --help.",
)

RegisterOption = Annotated[Path, Parameter(name="--register", help="The register's file; made when it is not there.")]
JsonOption = Annotated[bool, Parameter(name="--json", help="For machines.")]
MappingOption = Annotated[
    str,
    Parameter(
        name="--mapping", help="A shipped layout (araz seizures layouts) or a .toml file; else told from the header."
    ),
]
ByOption = Annotated[str, Parameter(name="--by", help="Post or role, never a person's name.")]
DEFAULT = REGISTER


@seizures.command(name="import")
def import_(
    file: Path,
    *,
    register: RegisterOption = DEFAULT,
    mapping: MappingOption = "",
    sheet: str | None = None,
    encoding: str | None = None,
    by: ByOption = "analyst",
    strict: Annotated[bool, Parameter(help="Take nothing when any row is refused.")] = False,
    dry_run: Annotated[bool, Parameter(help="Only report.")] = False,
    report: Annotated[Path | None, Parameter(help="CSV of every row refused or remarked, with the reason.")] = None,
    json: JsonOption = False,
) -> int:
    """Read a CSV or XLSX file into the register, one transaction, and report every row changed or refused.

    Formulas are never computed; the same file read twice changes nothing. Ends with 1 when nothing was taken.

    Example: araz seizures import seizures.xlsx --report refused.csv
             araz seizures import cases.csv --mapping my-layout.toml --dry-run
    """
    from araz.app._seizures_keep import run_import

    return run_import(
        file, register, mapping, sheet, encoding, by, strict=strict, dry_run=dry_run, report=report, as_json=json
    )


@seizures.command
def export(
    file: Path,
    *,
    register: RegisterOption = DEFAULT,
    since: Annotated[str | None, Parameter(name="--from", help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, Parameter(name="--to", help="Last day, YYYY-MM-DD.")] = None,
) -> int:
    """Write the register as .csv or .xlsx; reading it again gives the same register.

    Example: araz seizures export register.xlsx --from 2024-01-01
    """
    from araz.app._seizures_keep import run_export

    return run_export(file, register, since, until)


@seizures.command(name="list")
def list_(
    *,
    register: RegisterOption = DEFAULT,
    substance: str | None = None,
    country: str | None = None,
    transport: str | None = None,
    text: Annotated[str | None, Parameter(help="Found in place, region or source, any script.")] = None,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: Annotated[str | None, Parameter(name="--to")] = None,
    limit: int = 20,
    json: JsonOption = False,
) -> int:
    """List seizures and their sums by substance and unit; tablets and kilograms stay apart.

    Example: araz seizures list --substance heroin --from 2024-01-01 --text Horadiz
    """
    from araz.app._seizures_keep import run_list

    return run_list(register, substance, country, transport, text, since, until, limit, as_json=json)


@seizures.command
def history(seizure_id: str = "", *, register: RegisterOption = DEFAULT, json: JsonOption = False) -> int:
    """Show every revision of one seizure, or the last changes of all.

    Example: araz seizures history 3fa4
    """
    from araz.app._seizures_keep import run_history

    return run_history(register, seizure_id, as_json=json)


@seizures.command
def edit(
    seizure_id: str,
    *changes: str,
    reason: Annotated[str, Parameter(help="Why; it stays in the history.")],
    register: RegisterOption = DEFAULT,
    by: ByOption = "analyst",
    withdraw: Annotated[bool, Parameter(help="Take it out of the register; its history stays.")] = False,
) -> int:
    """Correct fields of one seizure as a new revision: field=value, or substance.field=value for an amount.

    Example: araz seizures edit 3fa4 place=Horadiz heroin.quantity=12.3 --reason "laboratory weight"
             araz seizures edit 3fa4 --withdraw --reason "entered twice"
    """
    from araz.app._seizures_keep import run_edit

    return run_edit(register, seizure_id, changes, by, reason, withdraw=withdraw)


@seizures.command
def layouts(*, json: JsonOption = False) -> int:
    """Name the shipped layouts and the columns each is recognised by.

    Example: araz seizures layouts
    """
    from araz.app._seizures_keep import run_layouts

    return run_layouts(as_json=json)


@seizures.command
def difference(file: Path, *, mapping: MappingOption = "", json: JsonOption = False) -> int:
    """Take cumulative part-year totals apart into the months between, with the error that leaves.

    Example: araz seizures difference az_state_commission_seizures_cumulative.csv
    """
    from araz.app._seizures_say import run_difference

    return run_difference(file, mapping, as_json=json)


@seizures.command
def claims(
    *files: Path,
    json: JsonOption = False,
    event: Annotated[
        str, Parameter(help="Day of the event that totals are held against: the Afghan ban.")
    ] = "2022-04-03",
    effect_from: Annotated[
        str, Parameter(help="First day an effect could show: the first harvest under the ban.")
    ] = "2023-01-01",
) -> int:
    """Say what an article's figures say, and what they do not.

    Give the figures (quantity, period, value, unit, claim_in_text) and, to hold them against, a production series
    (year, opium_tonnes) or cumulative totals of a state commission; each file is told by its columns.

    Example: araz seizures claims article_figures.csv --json
             araz seizures claims article_figures.csv afghan_opium_production.csv state_commission.csv
    """
    from araz.app._seizures_say import run_claims

    return run_claims(files, event, effect_from, as_json=json)


@seizures.command
def composition(
    source: Path = DEFAULT,
    *,
    every: Literal["month", "quarter", "year"] = "year",
    split: Annotated[str | None, Parameter(help="Day that parts before from after, for the test.")] = None,
    country: str | None = None,
    seed: int = 1,
    json: JsonOption = False,
) -> int:
    """Shares by substance over time, in loads and in kilograms; whole seizures are drawn again for the intervals.

    SOURCE is a register or a file in a known layout.

    Example: araz seizures composition unodc.csv --country Azerbaijan --split 2014-01-01
    """
    from araz.app._seizures_say import run_composition

    return run_composition(source, every, split, country, seed, as_json=json)
