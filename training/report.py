"""The report of a training: for whoever decides on its release, and for whoever must improve it.

``models/<version>/report.html`` is one file. The same findings make the same bytes: it knows no
time but those of the data, and not its own version, which is named after its bytes.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from math import isfinite

from topshelf.metrics import RatioInterval
from training.charts import Line, bars, lines
from training.judging import NDCG, Decile, Judged
from training.page import figure, page, section, table
from training.report_choice import COLUMNS, ablations, validation
from training.study_findings import ALS_SAMPLE, LABELS, Findings

__all__ = ["report"]


def report(findings: Findings) -> bytes:
    """The page."""
    until = datetime.fromtimestamp(findings.newest_event / 1000, UTC)
    chapters = (_answer, _models, _deciles, _seeds, validation, ablations, _made)
    body = "".join(chapter(findings) for chapter in chapters)
    return page(f"Model report: data up to {until:%Y-%m-%d %H:%M} UTC", body)


def _answer(findings: Findings) -> str:
    own, popular = (findings.models[name].metrics for name in ("als", "popularity"))
    ratio = findings.ratio
    said = [
        f"Of the first ten titles on a list {10 * own['precision_at_10']:.2f} are ones that the "
        "viewer chose next; of the ten most popular titles it is "
        f"{10 * popular['precision_at_10']:.2f}.",
        f"NDCG@10, which counts a hit for more the higher it stands, is {own[NDCG]:.4f}, by "
        f"{findings.asked:,} viewers: {_times(ratio)}.",
    ]
    others = {name: found for name, found in findings.models.items() if name != "als"}
    if "parent" in others:
        beside = _beside("the last version", own[NDCG], others.pop("parent").metrics[NDCG])
        taught = " It may have been taught the answers: see the note on it."
        said.append(beside + (taught if "parent" in findings.notes else ""))
    alike = own
    if ALS_SAMPLE in others:
        alike = others.pop(ALS_SAMPLE).metrics
        # The most popular titles need no sample: they are counted over all.
        others.pop("popularity")
        said.append(
            f"The simple models were fitted on a sample of the viewers; on it, this model has "
            f"{alike[NDCG]:.4f}."
        )
    best = max(others, key=lambda name: others[name].metrics[NDCG])
    simple = f"the best of the simple models, {LABELS[best]},"
    said.append(_beside(simple, alike[NDCG], others[best].metrics[NDCG]))
    text = "".join(f"<p>{escape(line)}</p>" for line in said)
    return f'<div class="answer">{text}</div>\n'


def _times(ratio: RatioInterval) -> str:
    if not isfinite(ratio.ratio):
        return "popularity hits nothing to compare it with"
    high = f"to {ratio.high:.2f}" if isfinite(ratio.high) else "without an upper end"
    return f"{ratio.ratio:.2f} times that of popularity (95% interval {ratio.low:.2f} {high})"


def _beside(whom: str, own: float, other: float) -> str:
    if other == 0:
        return f"Beside {whom} there is nothing to compare: it hits nothing."
    change = own / other - 1
    word = "above" if change >= 0 else "BELOW"
    return f"That is {abs(change):.1%} {word} {whom} with {other:.4f}."


def _models(findings: Findings) -> str:
    order = [name for name in LABELS if name in findings.models]
    rows, best = [], []
    for name in order:
        metrics = findings.models[name].metrics
        rows.append([LABELS[name], *(f"{metrics[key]:.{d}f}" for key, _, d, _ in COLUMNS)])
    for column, (key, _, _, better) in enumerate(COLUMNS, start=1):
        values = [findings.models[name].metrics[key] for name in order]
        best += [(row, column) for row, v in enumerate(values) if v == better(values)]
    notes = [
        f"<li>{escape(LABELS.get(name, name))}: {escape(note)}.</li>"
        for name, note in findings.notes.items()
    ]
    meaning = (
        "Each viewer's newest fifth of items was kept away from every model and asked for: the "
        "test. Nothing was chosen by it. Coverage: share of the catalogue on any list. Novelty: "
        "how rarely viewers have seen what is shown. Diversity: how unlike the titles of one list "
        f"are, by their {findings.diversity_of}. Gini: 0 if all titles are shown alike, 1 if one "
        "has every place. @10 and @25: of the first so many places. Bold: the best of a column."
    )
    chart = bars("NDCG@10 by model", [(LABELS[n], findings.models[n].metrics[NDCG]) for n in order])
    return section(
        "Beside other models",
        figure(chart, "NDCG@10 on the test."),
        table("On the test", ["model", *(head for _, head, _, _ in COLUMNS)], rows, best),
        f'<p class="faint">{escape(meaning)}</p>',
        f"<ul>{''.join(notes)}</ul>" if notes else "",
    )


def _deciles(findings: Findings) -> str:
    def drawn(
        title: str, unit: str, of: Callable[[Judged], Sequence[Decile]], caption: str
    ) -> tuple[str, str]:
        named = [
            Line(LABELS[name], [(one.tenth, one.value) for one in of(findings.models[name])])
            for name in LABELS
            if name in findings.models and name != ALS_SAMPLE
        ]
        own = of(findings.models["als"])
        rows = [
            [
                str(one.tenth),
                f"{one.smallest:,} to {one.greatest:,}",
                f"{one.entries:,}",
                *(
                    f"{next((o.value for o in of(m) if o.tenth == one.tenth), 0.0):.4f}"
                    for m in (findings.models["als"], findings.models["popularity"])
                ),
            ]
            for one in own
        ]
        heads = ["tenth", unit, "how many", LABELS["als"], LABELS["popularity"]]
        return figure(lines(title, named, x_name="tenth"), caption), table(title, heads, rows)

    return section(
        "For whom, and of what",
        *drawn(
            "NDCG@10 by tenth of the viewers",
            "titles in the history",
            lambda judged: judged.by_activity,
            "From the viewers with the shortest histories (1) to those with the longest (10).",
        ),
        *drawn(
            "Share of the asked titles found, by tenth of their popularity",
            "viewers of the title",
            lambda judged: judged.by_popularity,
            "Among the first 25 places. From rarely seen titles (1) to the most seen (10): what "
            "finds only the right end recommends what everybody knows.",
        ),
    )


def _seeds(findings: Findings) -> str:
    if not findings.seeds:
        return ""
    rows = [
        [
            head,
            f"{found.mean:.4f}",
            f"{found.low:.4f} to {found.high:.4f}",
            " ".join(f"{value:.4f}" for value in found.values),
        ]
        for key, head, _, _ in COLUMNS
        if (found := findings.seeds.get(key))
    ]
    of = (
        f"on samples of at most {findings.study.sample_entries:,} interactions each, so that the "
        "figures are lower than those above and not of the same viewers"
        if findings.sampled
        else "on all viewers, from other initial factors"
    )
    count = len(next(iter(findings.seeds.values())).values)
    return section(
        "How much is chance",
        f"<p>{escape(f'The model was trained {count} times, {of}.')}</p>",
        table(
            "This model over seeds", ["metric", "mean", "95% interval of the mean", "each"], rows
        ),
    )


def _made(findings: Findings) -> str:
    parameters = json.dumps(findings.parameters, sort_keys=True, indent=1)
    return section(
        "What it was made of",
        f"<p>{findings.interactions:,} pairs of {findings.users:,} viewers and "
        f"{findings.items:,} items.</p>",
        f'<div class="scroll"><pre>{escape(parameters)}</pre></div>',
    )
