"""The table of judges names every estimator, and judges that exist: tests, and rows of docs/measured.md."""

import re

import araz.intelligence as room

#: Public functions that estimate nothing: reading, writing, words.
NO_ESTIMATORS = {
    "claim_of", "import_own", "import_table", "in_words_of", "is_own_layout", "lines_of", "mapping_from_toml",
    "month_rows", "monthly_report", "network_from_toml", "period_of", "read_table", "recognise", "records_of",
    "report_html", "seizure_matrix", "singles", "to_csv", "to_xlsx",
}  # fmt: skip


def table(root):
    text = (root / "docs" / "intelligence.md").read_text("utf-8").partition("## Each estimator and its judges")[2]
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_estimator_has_a_judge_and_no_row_is_left_over(root):
    public = {name for name in room.__all__ if callable(getattr(room, name)) and name.islower()}
    assert set(table(root)) == public - NO_ESTIMATORS
    assert all(set(judges) != {"–"} for judges in table(root).values())


def test_every_judge_that_is_named_exists(root):
    files = {path: path.read_text("utf-8") for path in (root / "tests" / "intelligence").glob("test_*.py")}
    written = {name: path for path, text in files.items() for name in re.findall(r"^def (test_\w+)\(", text, re.M)}
    measured = (root / "docs" / "measured.md").read_text("utf-8")
    rows = set(re.findall(r"^## (.+)$", measured, re.M)) | set(re.findall(r"^\| ([^|]+) \| ", measured, re.M))
    for name, (simulated, *others) in table(root).items():
        assert simulated == "–" or simulated in rows, f"{name}: {simulated}"
        for cell in others:
            said, found = cell.partition(":")[0], re.findall(r"`(\w+)`", cell)
            assert cell == "–" or (found and set(found) <= set(written)), f"{name}: {cell}"
            if said in {"scipy", "statsmodels", "pandas", "ruptures", "statsforecast"}:
                assert said in files[written[found[0]]], f"{name}: {said} is not used where it is named"
