import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from topshelf.metrics import RatioInterval
from training.judging import NDCG, Decile, Judged
from training.report import report
from training.shrinkage import ShrinkageChoice
from training.stages import Reranking, StageTrial
from training.study import Choice, SeedFigures, StudyOptions
from training.study_findings import Findings, figures_of

NAMES = (
    NDCG,
    "precision_at_10",
    "mean_reciprocal_rank_at_25",
    "coverage",
    "novelty_at_25",
    "intra_list_diversity_at_25",
    "exposure_gini_at_25",
)
_VOID = {"meta", "rect", "line", "circle", "polyline"}
_KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "div", "h1", "h2"),
    *("p", "ul", "li", "pre", "figure", "figcaption", "table", "caption", "thead", "tbody"),
    *("tr", "th", "td", "svg", "desc", "text", "rect", "line", "circle", "polyline"),
}


def judged(ndcg: float, **others: float) -> Judged:
    metrics = dict.fromkeys(NAMES, 0.5) | {NDCG: ndcg, "precision_at_10": ndcg} | others
    tenths = (Decile(1, 2, 4, 10, ndcg / 2), Decile(10, 5, 1900, 9, ndcg))
    return Judged(metrics, tenths, tenths, np.zeros(0))


TRIAL = StageTrial(
    Reranking(diversity=0.1), dict.fromkeys(NAMES, 0.25), RatioInterval(1.1, 1.02, 1.18)
)
FINDINGS = Findings(
    models={"als": judged(0.3), "popularity": judged(0.2), "ease": judged(0.24)},
    ratio=RatioInterval(1.5, 1.4, 1.6),
    asked=1234,
    notes={"ease": "over the 10 most viewed of 40 items", "parent": "gone <&> away"},
    seeds={name: SeedFigures.of([0.29, 0.30, 0.31]) for name in NAMES},
    sampled=False,
    choice=Choice(77, ((1, 0.1), (2, 0.15)), dict.fromkeys(NAMES, 0.2), (TRIAL,)),
    reranking=Reranking(),
    diversity_of="genres",
    users=2000,
    items=40,
    interactions=50_000,
    newest_event=1_767_225_600_000,
    parameters={"als": {"factors": 8}, "note": "</pre><script>alert(1)</script>"},
    study=StudyOptions(),
)


class Left(NamedTuple):
    name: str
    ndcg: float
    ratio: RatioInterval


def text(findings: Findings = FINDINGS) -> str:
    """What a reader sees of the page, in one line."""
    root = parsed(report(findings))
    body = root.find("body")
    assert body is not None
    return " ".join(" ".join(body.itertext()).split())


def parsed(page: bytes) -> ET.Element:
    doctype, _, rest = page.decode().partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return ET.fromstring(rest)


def test_the_page_is_well_formed_html() -> None:
    root = parsed(report(FINDINGS))
    tags = [one.tag for one in root.iter()]
    assert root.tag == "html"
    assert root.get("lang") == "en"
    assert set(tags) <= _KNOWN
    assert (tags.count("h1"), tags.count("main"), tags.count("style")) == (1, 1, 1)
    for one in root.iter():
        # In HTML a void element has no end, and any other must not be closed where it begins.
        assert one.tag not in _VOID or (not list(one) and not one.text)
        assert one.tag != "th" or one.get("scope") in {"col", "row"}
        assert one.tag != "svg" or one.find("title") is not None
    assert not re.search(rb"<(?!meta|rect|line|circle|polyline)[a-z0-9]+[^>]*/>", report(FINDINGS))
    rows = root.findall(".//table")
    assert len(rows) == 5
    for table in rows:
        widths = {len(row) for row in table.iter("tr")}
        assert len(widths) == 1, ET.tostring(table)


def test_the_page_needs_nothing_from_outside_and_runs_nothing() -> None:
    page = report(FINDINGS).decode()
    for word in (*("http:", "https:", "://", "url(", "@import", "@font-face"), "<script", "<link"):
        assert word not in page, word
    for one in parsed(report(FINDINGS)).iter():
        assert not {"style", "src", "href", "onload", "onclick"} & set(one.keys())


def test_the_policy_allows_the_style_by_its_hash_and_nothing_else() -> None:
    root = parsed(report(FINDINGS))
    style = root.findtext("head/style")
    assert style is not None
    digest = b64encode(sha256(style.encode()).digest()).decode()
    metas = {one.get("http-equiv"): one.get("content") for one in root.iter("meta")}
    assert metas["Content-Security-Policy"] == f"default-src 'none'; style-src 'sha256-{digest}'"


def test_a_phone_and_paper_are_thought_of() -> None:
    root = parsed(report(FINDINGS))
    metas = {one.get("name"): one.get("content") for one in root.iter("meta")}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert "@media print" in (root.findtext("head/style") or "")
    parents = {child: parent for parent in root.iter() for child in parent}
    # A wide table scrolls by itself, and the page does not.
    assert {parents[table].get("class") for table in root.iter("table")} == {"scroll"}


def test_the_answer_comes_first() -> None:
    said = text()
    assert "Of the first ten titles on a list 3.00 are ones" in said
    assert "most popular titles it is 2.00" in said
    assert (
        "is 0.3000, by 1,234 viewers: 1.50 times that of popularity (95% interval 1.40 to" in said
    )
    assert "That is 25.0% above the best of the simple models, EASE, with 0.2400." in said
    assert said.startswith("Model report: data up to 2026-01-01 00:00 UTC")


def test_what_is_worse_is_said_to_be() -> None:
    models = {**FINDINGS.models, "parent": judged(0.4), "bm25": judged(0.375)}
    said = text(replace(FINDINGS, models=models))
    assert "That is 25.0% BELOW the last version with 0.4000." in said
    assert "That is 20.0% BELOW the best of the simple models, BM25, with 0.3750." in said
    nothing = {**FINDINGS.models, "popularity": judged(0.0), "ease": judged(0.0)}
    assert "it hits nothing" in text(replace(FINDINGS, models=nothing))


@pytest.mark.parametrize(
    ("ratio", "told"),
    [
        ((float("inf"),) * 3, "viewers: popularity hits nothing to compare it with."),
        ((9.0, 3.0, float("inf")), "9.00 times that of popularity (95% interval 3.00 without an"),
    ],
)
def test_what_has_no_end_is_told(ratio: tuple[float, float, float], told: str) -> None:
    assert told in text(replace(FINDINGS, ratio=RatioInterval(*ratio)))


def test_a_stage_does_not_win_where_neither_hits_anything() -> None:
    endless = RatioInterval(float("inf"), float("inf"), float("inf"))
    assert not StageTrial(Reranking(diversity=0.5), {}, endless).wins
    assert StageTrial(Reranking(diversity=0.5), {}, RatioInterval(1.2, 1.1, 1.3)).wins


def test_text_is_escaped() -> None:
    assert "gone <&> away." in text()
    assert "</pre><script>alert(1)</script>" in text()


def test_the_best_of_a_column_is_stressed() -> None:
    models = {
        "als": judged(0.3, coverage=0.1, exposure_gini_at_25=0.9),
        "popularity": judged(0.2, coverage=0.2, exposure_gini_at_25=0.8),
    }
    root = parsed(report(replace(FINDINGS, models=models)))
    table = next(root.iter("table"))
    stressed = [
        (row[0].text, column)
        for row in table.iter("tr")
        for column, cell in enumerate(row)
        if cell.get("class") == "best"
    ]
    first = [("this model", 1), ("this model", 2)]
    assert [cell for cell in stressed if cell[1] in {1, 2}] == first
    assert ("popularity", 4) in stressed
    assert ("popularity", 7) in stressed
    assert ("this model", 7) not in stressed


def test_chance_choice_and_stages_are_told() -> None:
    said = text()
    assert "The model was trained 3 times, on all viewers, from other initial factors." in said
    # Mean .3, deviation .01, t 4.3027 over the root of 3.
    assert "NDCG@10 0.3000 0.2752 to 0.3248 0.2900 0.3000 0.3100" in said
    assert "By 77 viewers" in said
    assert "diversity 0.1 0.2500 1.100 (1.020 to 1.180)" in said
    assert "On in this model: none." in said
    assert "at most 1,000,000 interactions" in text(replace(FINDINGS, sampled=True))
    assert "On in this model: ease 0.5." in text(replace(FINDINGS, reranking=Reranking(ease=0.5)))


def test_what_is_absent_leaves_no_gap() -> None:
    bare = replace(FINDINGS, seeds={}, choice=Choice(0, (), {}, ()), notes={})
    said = text(bare)
    assert "How much is chance" not in said
    assert "nothing was tried" in said
    assert "What each feature is worth" not in said


def test_how_the_shrinkage_was_chosen_is_told() -> None:
    chosen = ShrinkageChoice(1.0, ((0.5, 0.21), (1.0, 0.25)), 812)
    page = text(replace(FINDINGS, shrinkage=chosen))
    assert "0.5 0.2100 1 0.2500" in page
    assert "Chosen: 1, by 812 viewers." in page
    few = text(replace(FINDINGS, shrinkage=ShrinkageChoice(0.5, (), 0)))
    assert "Shrinkage 0.5, the usual: too few viewers to choose it by." in few
    assert "Shrinkage" not in text(FINDINGS)
    told = figures_of(replace(FINDINGS, shrinkage=chosen))["shrinkage"]
    assert told == {"shrinkage": 1.0, "tried": ((0.5, 0.21), (1.0, 0.25)), "users": 812}


def test_ablations_are_told_where_somebody_made_them() -> None:
    left = Left("recency", 0.27, RatioInterval(0.9, 0.85, 0.95))
    assert "recency 0.2700 0.900 (0.850 to 0.950)" in text(replace(FINDINGS, ablations=(left,)))


def test_the_same_findings_make_the_same_page() -> None:
    assert report(FINDINGS) == report(replace(FINDINGS))


def test_figures_are_json_that_any_program_reads() -> None:
    endless = StageTrial(Reranking(ease=1.0), {NDCG: 0.1}, RatioInterval(float("inf"), 1.0, 2.0))
    choice = replace(FINDINGS.choice, trials=(TRIAL, endless))
    found = figures_of(
        replace(FINDINGS, choice=choice, ablations=(Left("a", 0.1, TRIAL.ndcg_ratio),))
    )
    again = json.loads(json.dumps(found, allow_nan=False))
    first, second = again["validation"]["stages"]
    assert first["reranking"] == {"ease": 0.0, "diversity": 0.1, "calibration": 0.0}
    assert first["wins"] is True
    assert second["ndcg_ratio"] == {"ratio": None, "low": 1.0, "high": 2.0}
    assert again["validation"]["curve"] == [[1, 0.1], [2, 0.15]]
    assert again["deciles"]["als"]["by_activity"][1]["greatest"] == 1900
    assert again["seeds"][NDCG]["mean"] == pytest.approx(0.3)
    assert again["ablations"] == [{"name": "a", "ndcg": 0.1, "ratio": first["ndcg_ratio"]}]
