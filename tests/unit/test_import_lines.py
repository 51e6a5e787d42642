"""Lines of many lists beside the line of each."""

from dataclasses import replace

import numpy as np

from tests.unit.test_publish import MODEL
from topshelf.aws.topk_table import import_line
from topshelf.ids import IdMap
from topshelf.ranking import Ranked
from training import viewer_lists
from training.exposures import Exposures
from training.import_lines import ImportLines
from training.viewer_lists import ViewerLists


def quoted(names: IdMap, text: str) -> IdMap:  # type: ignore[type-arg]
    return IdMap(tuple(sorted(f"{text}{name}" for name in names.ids)))


def test_a_line_is_that_of_the_list() -> None:
    """Quotes, backslashes and other alphabets in ids, scores past float16, a list without items."""
    odd = 'é"\\/<items>'
    data = replace(
        MODEL.data, users=quoted(MODEL.data.users, odd), items=quoted(MODEL.data.items, odd)
    )
    factors = replace(MODEL.factors, items=MODEL.factors.items * np.float32(3000))
    block = next(ViewerLists(data, factors).blocks(0, 70))
    rows, scores = block.ranked.rows, block.ranked.scores.copy()
    scores[1, 0], scores[2, 0] = 1e6, -1e6
    block = replace(block, ranked=Ranked(rows, scores))
    lines = ImportLines(data.users, data.items, data.newest_event)
    histories = block.histories
    expected = []
    for viewer in block.viewers:
        listed = block.items_of(viewer)
        own = slice(histories.indptr[viewer], histories.indptr[viewer + 1])
        ready = viewer_lists.ready_list(
            data.items,
            (listed, scores[viewer, : len(listed)]),
            (histories.rows[own], histories.confidences[own]),
            block.because[viewer, : len(listed)],
            source="batch",
            generated_at=data.newest_event,
        )
        expected.append(import_line(data.users.ids[viewer], ready))
    assert list(lines.of(block)) == expected
    assert [len(block.items_of(viewer)) > 0 for viewer in (0, 1)] == [False, True]


def test_a_line_names_the_leniency_of_its_viewer() -> None:
    lenient = replace(MODEL.data, leniencies=np.arange(70) / 1024)
    block = next(ViewerLists(lenient, MODEL.factors).blocks(30, 45))
    lists = viewer_lists.viewer_lists(lenient, MODEL.factors, lambda *_: None)
    expected = [import_line(*row) for row in lists][30:45]
    lines = ImportLines(lenient.users, lenient.items, lenient.newest_event, lenient.leniencies)
    assert list(lines.of(block)) == expected
    assert b'"leniency":{"N":"0.029296875"}' in expected[0]


def test_a_line_names_what_its_viewer_never_took() -> None:
    """The first 40 viewers were shown item 3 in vain, or have taken it; the others nothing."""
    exposed = Exposures(
        np.concatenate([np.arange(41), np.full(30, 40)]),
        np.full(40, 3, np.int32),
        np.zeros(40, np.int32),
        least=1,
        confidence=2.0,
    )
    told = replace(MODEL.data, exposures=exposed, leniencies=np.arange(70) / 1024)
    expected = [
        import_line(*row) for row in viewer_lists.viewer_lists(told, MODEL.factors, lambda *_: None)
    ]
    lines = ImportLines(told.users, told.items, 7, told.leniencies, exposed=True)
    assert expected[0] != expected[50]
    made = ViewerLists(told, MODEL.factors)
    found = [line for block in made.blocks(0, 70) for line in lines.of(block)]
    stamp = f'"generated_at":{{"N":"{told.newest_event}"}}'.encode()
    assert [line.replace(b'"generated_at":{"N":"7"}', stamp) for line in found] == expected
    assert b'"unclicked":{"B":"AwAAAA=="}' in b"".join(expected[:40])
    assert all(b'"unclicked":{"B":""}' in line for line in expected[40:])


def test_blocks_from_anywhere_are_the_lists_of_their_viewers() -> None:
    made = ViewerLists(MODEL.data, MODEL.factors)
    lines = ImportLines(MODEL.data.users, MODEL.data.items, 7)
    whole = [line for block in made.blocks(0, 70) for line in lines.of(block)]
    part = [line for block in made.blocks(30, 45) for line in lines.of(block)]
    assert part == whole[30:45]
