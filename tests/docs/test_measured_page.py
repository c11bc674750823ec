"""The page of figures: its sections are the parts that are measured, and measuring one leaves all others alone."""

import sys

import pytest


@pytest.fixture(scope="module")
def run(root):
    sys.path.insert(0, str(root / "bench"))
    try:
        import run
    finally:
        sys.path.pop(0)
    return run


def test_the_page_has_a_section_of_every_part_in_its_words_and_says_where_it_was_measured(run):
    page = run.sections(run.PAGE.read_text("utf-8"))
    assert list(page) == [part.title for part in run.PARTS]
    for part in run.PARTS:
        title, words, *body, where = page[part.title].split("\n\n")
        assert (title, words) == (f"## {part.title}", part.words)
        assert body, part.name
        assert f"`python {part.command[0]} " in where, part.name
        assert ", commit " in where, part.name


def test_a_section_measured_anew_leaves_the_others_to_the_letter(run):
    page = run.PAGE.read_text("utf-8")
    assert run.merged(page, {}) == page
    part = run.PARTS[3]
    new = run.section(part, [{"what": "x", "per_s": 12345}], "Another machine. `python bench/x.py`")
    after = run.merged(page, {part.title: new})
    before, old, behind = page.partition(run.sections(page)[part.title])
    assert after == before + new + behind
    assert "| x | 12,345 |" in new
    assert "| x | 12,345 |" not in old


def test_a_first_page_and_a_section_that_no_part_measures(run):
    part = run.PARTS[0]
    made = run.merged("", {part.title: run.section(part, "not measured: no shelf", "Here.")})
    assert list(run.sections(made)) == [part.title]
    with pytest.raises(ValueError, match="which no part measures"):
        run.merged(made + "\n## Of yesterday\n\nx\n", {})


def test_a_part_that_could_not_be_measured_leaves_its_section_and_says_so(run, tmp_path, monkeypatch, capsys):
    page = tmp_path / "measured.md"
    page.write_text(run.PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(run, "PAGE", page)
    monkeypatch.setattr(run, "PARTS", [part._replace(command=["bench/nothing.py"]) for part in run.PARTS])
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", run.PARTS[0].name])
    assert run.main() == 1
    assert "not measured" in capsys.readouterr().err
    assert page.read_text("utf-8") == run.PAGE.read_text("utf-8")
    page.write_text("", "utf-8")
    assert run.main() == 1
    assert "not measured" in page.read_text("utf-8")
