"""The command line: one verb a job, each with an example."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import cyclopts
from cyclopts import Parameter

import araz
from araz.vocabulary import ExportFormat, Format, ReportKind, ZoneFormat

app = cyclopts.App(
    name="araz",
    version=araz.__version__,
    help="From sensor bytes at a border to a patrol at the drop. Each command shows an example with --help.",
    help_format="plaintext",  # examples keep their lines
)

# Loaded when asked for: --help stays quick.
app.command("araz.app._logs:logs", name="logs", help="Match seized drones' logs to what was recorded.")
app.command("araz.app._seizures_more:seizures", name="seizures", help="The register of seizures, and what it can say.")
app.command("araz.app._case:case", name="case", help="A case for the court: seal it, check it, compute it again.")
app.command(
    "araz.app._accounts:accounts",
    name="account",
    help="Local accounts, their roles and the certificate of a console beyond localhost.",
)
app.command("araz.app._custody:custody", name="custody", help="Exhibits from hand to hand: who, what, when, why.")
app.command(
    "araz.app._doctor:doctor_command",
    name="doctor",
    help="Check clock, disk, journal, records, keys and sensors; says what to mend.",
)
app.command(
    "araz.app._backup:backup_command",
    name="backup",
    help="Copy a night's folder into one file, also while it runs; the journal is checked first.",
)
app.command(
    "araz.app._backup:restore_command",
    name="restore",
    help="Unpack a backup into a fresh folder, check it, and derive the records again.",
)
app.command(
    "araz.app._erase:erase_command",
    name="erase",
    help="Erase the content of personal messages, with a reason on record; every proof stays valid.",
)
app.command(
    "araz.app._plan:plan_app",
    name="plan",
    help="Tonight's patrols and the sensors: a randomised plan with its guarantee.",
)
app.command(
    "araz.app._post:post", name="post", help="A post on the line: watches alone, passes its journal on to the centre."
)
app.command("araz.app._plan:season", name="season", help="A year of nights against smugglers who learn.")

SiteOption = Annotated[str, Parameter(name="--site", help="Site file, its folder, or the name of a shipped site.")]
OutOption = Annotated[Path, Parameter(name="--out", help="Folder for journal, events and records.")]


@app.command
def demo(
    *,
    headless: Annotated[bool, Parameter(help="As fast as the machine allows; prints the summary.")] = False,
    speed: Annotated[float, Parameter(help="Times real time, for the console.")] = 10.0,
    out: OutOption = Path("out/demo"),
    host: str = "127.0.0.1",
    port: int = 8471,
) -> int:
    """Replay the shipped night at the Horadiz sector through the same door as live data.

    Example: araz demo            then open the printed address
             araz demo --headless prints the summary and ends
    """
    from araz.app._demo import run_demo

    return run_demo(headless=headless, speed=speed, out=out, host=host, port=port)


@app.command
def watch(
    *,
    site: SiteOption = "horadiz",
    out: OutOption = Path("out/watch"),
    host: str = "127.0.0.1",
    port: int = 8471,
    accounts: Annotated[
        Path | None, Parameter(help="Accounts file (araz account add); needed beyond localhost.")
    ] = None,
    oidc: Annotated[
        Path | None, Parameter(help="Settings of an OpenID Connect provider, instead of accounts or beside them.")
    ] = None,
    tls: Annotated[
        Path | None, Parameter(help="Folder with console.crt and console.key; needed beyond localhost.")
    ] = None,
    register: Annotated[
        Path | None,
        Parameter(help="Register of seizures, for the analyst; else out/register.sqlite, of two nodes that in --out."),
    ] = None,
    posts: Annotated[str, Parameter(help="HOST:PORT on which the site's posts call (araz post).")] = "",
    keys: Annotated[
        Path | None, Parameter(help="Folder with ca.crt, centre.crt and centre.key; needed when posts call from afar.")
    ] = None,
    records: Annotated[
        str, Parameter(help="postgresql://… for the records, instead of SQLite; kept in --out.", env_var="ARAZ_RECORDS")
    ] = "",
    pair: Annotated[Path | None, Parameter(help="File of two centre nodes, of which this is one.")] = None,
    node: Annotated[str, Parameter(help="Which of them.")] = "",
) -> int:
    """Listen to the site's live feeds, show the console, keep everything in the journal.

    Start it again with the same --out after a crash: it repairs the journal, says so, and goes on.

    On localhost nobody is asked to sign in. Beyond it, accounts or a provider, and TLS, are required.

    Example: araz watch --site sites/horadiz/site.toml --out /var/lib/araz
             araz watch --host 10.0.0.5 --accounts out/accounts.json --tls out/tls
             araz watch --host 10.0.0.5 --oidc oidc.toml --tls out/tls
             araz watch --site chain --posts 10.0.0.5:7422 --keys keys
             araz watch --pair pair.toml --node a --keys keys --out /var/lib/araz
    """
    from araz.app._live import run_watch
    from araz.app._pair_file import read_sides
    from araz.app._runtime import keep_records_at

    if records:
        keep_records_at(out, records)
    return run_watch(
        site, out, host, port, accounts=accounts, oidc=oidc, tls=tls, register=register, posts=posts,
        keys=keys, sides=None if pair is None else read_sides(pair, node),
    )  # fmt: skip


@app.command
def run(
    *recordings: str,
    site: SiteOption = "horadiz",
    out: OutOption = Path("out/run"),
    format: Annotated[Format | None, Parameter(help="Format of the recordings; else told from their content.")] = None,
) -> int:
    """Play recordings (pcap, raw files, journals) through the site as fast as possible.

    A recording goes to the site's first feed of its format; FEED=PATH names the feed.

    Example: araz run capture.pcap --site horadiz --out out/night
             araz run radar-1=plots.pcap rid=wifi.pcapng --site my/site.toml --out out/night
    """
    from araz.app._offline import run_recordings

    return run_recordings(recordings, site, out, format)


@app.command
def decode(
    file: Path,
    *,
    format: Format,
    site: Annotated[str, Parameter(name="--site", help="Take editions and sensor names from this site.")] = "",
) -> int:
    """Print what a file says, one JSON record a line: observations, marks, and what was rejected and why.

    Ends with 0 on any bytes: a reject is an answer.

    Example: araz decode capture.pcapng --format remote-id | head
    """
    from araz.app._offline import decode_file

    return decode_file(file, format, site)


@app.command
def replay(
    journal: Path, *, out: Annotated[Path | None, Parameter(help="File for the events; else printed.")] = None
) -> int:
    """Judge a journal again: the same events, byte for byte, one JSON record a line.

    Example: araz replay out/demo/night.journal --out again.jsonl && cmp again.jsonl out/demo/events.jsonl
    """
    from araz.app._offline import replay_journal

    return replay_journal(journal, out)


@app.command
def rerun(
    *journals: Path,
    out: Annotated[Path, Parameter(help="Folder for the events, one file a journal.")] = Path("out/rerun"),
    workers: Annotated[int | None, Parameter(help="Processes; else as many as there are cores.")] = None,
    engine: Annotated[
        Literal["processes", "ray"], Parameter(help="Ray, if installed: its own server, or the one of RAY_ADDRESS.")
    ] = "processes",
) -> int:
    """Judge archived journals again in parallel: the same events, byte for byte, as one process gives.

    Example: araz rerun archive/2026-10-*/night.journal --out out/october
             araz rerun out/demo/night.journal --workers 1
             araz rerun archive/*/night.journal --engine ray
    """
    from araz.app._rerun import Engine, run_rerun

    return run_rerun(journals, out, workers, Engine(engine))


@app.command
def verify(journal: Path) -> int:
    """Check a journal's chain and heads; names the first altered entry and ends with 1 when there is one.

    Example: araz verify out/demo/night.journal
    """
    from araz.app._rim import say
    from araz.evidence import MerkleTree
    from araz.store import heads_objection, read_heads, verify_journal

    result = verify_journal(journal)
    say(result.sentence)
    if not result.ok:
        return 1
    count = len(read_heads(journal))
    objection = heads_objection(journal, MerkleTree(result.leaves)) if count else None
    if count:
        say(objection or f"All {count} heads that were written each minute fit it; their signatures hold.")
    return 0 if objection is None else 1


@app.command
def simulate(
    scenario: str,
    *,
    seed: int = 1,
    out: OutOption = Path("out/simulated"),
    site: SiteOption = "horadiz",
    fly: Annotated[Path | None, Parameter(help="Recorded flight to fly under the site's sensors.")] = None,
) -> int:
    """Write a scenario's night as wire bytes (night.journal) and its truth (truth.jsonl).

    Example: araz simulate C1 --seed 7 --out out/c1
             araz simulate X0 --fly flight.SRT --out out/flown
    """
    from araz.app._simulate import run_simulate

    return run_simulate(scenario, seed, out, site, fly)


@app.command
def score(
    directory: Path,
    *,
    truth: Annotated[Path | None, Parameter(help="Truth file; default truth.jsonl in the folder.")] = None,
    courageous: Annotated[
        Path | None, Parameter(help="Another system's COURAGEOUS document, scored instead of the folder's events.")
    ] = None,
    json: Annotated[bool, Parameter(help="For machines.")] = False,
) -> int:
    """Hold a run's events against the truth and print the scoreboard.

    The folder holds events.jsonl (from run), or night.journal, which is then judged first.

    Example: araz score out/c1 --truth out/c1/truth.jsonl
             araz score out/c1 --courageous their-system.json
    """
    from araz.app._simulate import run_score

    return run_score(directory, truth or directory / "truth.jsonl", as_json=json, courageous=courageous)


@app.command
def report(
    kind: ReportKind,
    *,
    reporter: Annotated[str, Parameter(help="Post or patrol, never a person's name.")],
    bearing: Annotated[float | None, Parameter(help="Degrees clockwise from true north.")] = None,
    latitude: float | None = None,
    longitude: float | None = None,
    text: str | None = None,
    url: str = "http://127.0.0.1:8471",
) -> int:
    """Send what a patrol or a citizen heard, saw or found to a running console.

    Example: araz report heard --reporter post-4 --bearing 135
    """
    from araz.app._report import send_report

    return send_report(url, kind, reporter, bearing, latitude, longitude, text)


@app.command
def export(
    directory: Path,
    *,
    format: Annotated[
        ExportFormat,
        Parameter(help="Cursor on Target for TAK, GeoJSON, CSV, a MISP event, or the COURAGEOUS trial format."),
    ],
    out: Annotated[Path | None, Parameter(help="File; else printed.")] = None,
    site: Annotated[str, Parameter(help="Name that stands in CoT and MISP identifiers.")] = "araz",
    service: Annotated[str, Parameter(name="--for", help="Only what this service may see; else all.")] = "",
) -> int:
    """Write a night's tracks, drop areas and patrol orders in other systems' words. Heights say their datum.

    Example: araz export out/night --format geojson --out night.geojson
             araz export out/night --format cot | nc tak.example 8087
             araz export out/night --format courageous --out trial.json
             araz export out/night --format misp --site Horadiz --out event.json
             araz export out/night --format csv --for "border service" --out theirs.csv
    """
    from araz.app._export import run_export

    return run_export(directory, format, out, site, service)


@app.command
def zones(
    file: Path,
    *,
    format: Annotated[ZoneFormat | None, Parameter(help="Write the usable zones in this format.")] = None,
    out: Annotated[Path | None, Parameter(help="File for them; else printed.")] = None,
    title: Annotated[str, Parameter(help="Name of the data set that is written.")] = "UAS geographical zones",
) -> int:
    """List a file of UAS geographical zones (ED-269 or ED-318), name what cannot be used, and write it as the other.

    A site file names such a file as ``zones``. Ends with 1 when a zone could not be used.

    Example: araz zones national.json
             araz zones national.json --format ed318 --out sites/mine/zones.json
    """
    from araz.app._zones import run_zones

    return run_zones(file, format, out, title)


@app.command
def misp(
    file: Path,
    *,
    out: Annotated[Path | None, Parameter(name="--out", help="Folder of a night of your own to look in.")] = None,
) -> int:
    """List the drones of a MISP event that another organisation shared, and those that named themselves here too.

    Ends with 1 when an object of it could not be used. Where an operator stood is not read.

    Example: araz misp theirs.json --out out/demo
    """
    from araz.app._misp import run_misp

    return run_misp(file, out)


@app.command
def alarms(
    directory: Path,
    *,
    month: Annotated[str, Parameter(help="Only this month, for example 2026-11.")] = "",
    json: Annotated[bool, Parameter(help="For machines.")] = False,
) -> int:
    """Print what the alarms of a console came to, a line a month: rates, floods, the officers' time, rejects.

    Example: araz alarms out/demo
             araz alarms /var/lib/araz --month 2026-11 --json
    """
    from araz.app._alarms import run_alarms

    return run_alarms(directory, month, as_json=json)


@app.command
def drill(
    *,
    ordered_by: Annotated[str, Parameter(help="Post that orders it, never a person's name.")] = "shift lead",
    within_min: Annotated[float, Parameter(help="It begins some time within so many minutes.")] = 60.0,
    seed: Annotated[int, Parameter(help="Draws when and where along the line.")] = 0,
    url: str = "http://127.0.0.1:8471",
) -> int:
    """Order a blind drill: one synthetic sortie at a moment the officer does not know.

    It is watermarked, never exported as real, and gone at once when real traffic appears.

    Example: araz drill --within-min 90 --seed 7
    """
    from araz.app._report import order_drill

    return order_drill(url, ordered_by, within_min, seed)


@app.command
def warm() -> int:
    """Compile the numeric kernels once, so that the first night does not wait for them."""
    from araz.app._offline import warm_kernels

    return warm_kernels()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every foreseeable error is one sentence and exit status 2."""
    try:
        result = app(sys.argv[1:] if arguments is None else list(arguments), result_action="return_value")
    except BrokenPipeError:  # who read our output, head for example, has seen enough
        sys.stdout = None
        sys.exit(0)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"araz: {_sentence(error)}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)


#: What the system's refusals mean for who named the path, and what to do.
_REFUSALS: Final = {
    errno.ENOENT: "is not there and cannot be made there; check the name",
    errno.ENOTDIR: "cannot be: a part of it is a file, not a folder; name another",
    errno.EISDIR: "is a folder; name a file",
    errno.EEXIST: "is there already; name another",
    errno.EACCES: "may not be read or written by this account; change its rights or name another",
    errno.EPERM: "may not be read or written by this account; change its rights or name another",
    errno.EROFS: "lies on a disk that cannot be written; name another",
    errno.ENOSPC: "cannot be written: the disk is full; make room or name another",
}


def _sentence(error: Exception) -> str:
    """Cause and remedy; a bare refusal of the system, which names a number and a path, becomes a sentence."""
    if isinstance(error, OSError) and error.filename is not None and error.errno in _REFUSALS:
        return f"{error.filename} {_REFUSALS[error.errno]}"
    return str(error)


if __name__ == "__main__":
    main()
