"""From a path to the source that reads it."""

from pathlib import Path

from infra.importers.json_lines import CATALOGUE_NAMES, SUFFIXES, JsonLinesSource, event_files
from infra.importers.movielens import RATINGS_NAMES, MovieLensSource
from infra.importers.source import Source
from topshelf.errors import InvalidInputError

__all__ = ["open_source"]

_ACCEPTED = (
    "a .jsonl or .jsonl.gz file of events, a folder of such files (items.jsonl beside them is the "
    "catalogue), or a MovieLens folder with ratings.csv or ratings.dat"
)


def open_source(path: Path) -> Source:
    """Finds the format by name; nothing is read yet.

    Args:
        path: A file or a folder.

    Raises:
        InvalidInputError: There is nothing, or nothing known; field ``path``, and the text says
            what is accepted.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise InvalidInputError("path", f"{path} does not exist; give {_ACCEPTED}")
    if path.name in CATALOGUE_NAMES:
        raise InvalidInputError(
            "path", f"{path} is a catalogue, read together with the events beside it; name those"
        )
    if path.name in RATINGS_NAMES:
        return MovieLensSource(path)
    if path.name.endswith(SUFFIXES):
        return JsonLinesSource([path], _catalogue(path.parent))
    raise InvalidInputError("path", f"{path} is of no known format; give {_ACCEPTED}")


def _open_folder(folder: Path) -> Source:
    try:
        events = event_files(folder)
    except OSError as error:
        raise InvalidInputError("path", f"{folder} cannot be read: {error.strerror}") from error
    ratings = [folder / name for name in RATINGS_NAMES if (folder / name).is_file()]
    if len(ratings) + bool(events) > 1:
        found = ", ".join(path.name for path in (*ratings, *events[:1]))
        raise InvalidInputError("path", f"{folder} holds {found}; name the one to import")
    if events:
        return JsonLinesSource(events, _catalogue(folder))
    if ratings:
        return MovieLensSource(ratings[0])
    raise InvalidInputError("path", f"{folder} holds no events; give {_ACCEPTED}")


def _catalogue(folder: Path) -> Path | None:
    paths = (folder / name for name in CATALOGUE_NAMES)
    return next((path for path in paths if path.is_file()), None)
