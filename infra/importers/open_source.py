"""From a path to the source that reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from infra.importers.files_source import FilesSource, Found
from infra.importers.input_file import InputFile, LocalFile
from infra.importers.s3_files import SCHEME, s3_files
from infra.importers.sniffing import Role, format_of, is_parquet
from infra.importers.source import Source
from infra.importers.standard_input import StandardInput
from infra.importers.unpacking import fault_of
from topshelf.errors import InvalidInputError

__all__ = ["STANDARD_INPUT", "open_source"]

STANDARD_INPUT = "-"

_ACCEPTED = (
    "a .jsonl file of events, CSV or Parquet with Amazon Personalize's columns, a MovieLens "
    "ratings.csv or ratings.dat, these compressed as .gz or .zst, or a folder of such files with "
    "their catalogue (items.jsonl, items.csv, items.parquet, movies.csv)"
)
_CATALOGUES = ("items", "movies")


def open_source(path: Path | str, *, s3: Any = None, stdin: BinaryIO | None = None) -> Source:
    """Finds the format: by first bytes and columns, by the name only where these say nothing.

    Args:
        path: A file or a folder; ``s3://bucket/prefix``, an object or all that begin so; ``-``,
            standard input.
        s3: Client of S3; without it nothing is read from there.
        stdin: What ``-`` means, binary; without it ``-`` is a file's name. It is read once.

    Raises:
        InvalidInputError: There is nothing, or nothing known; field ``path``, and the text says
            what is accepted.
        NotFoundError: There is no such bucket.
        UnavailableError: S3 does not answer.
    """
    if path == STANDARD_INPUT and stdin is not None:
        return _from_stream(StandardInput(stdin))
    if str(path).startswith(SCHEME):
        return _from_s3(str(path), s3)
    path = Path(path)
    if path.is_dir():
        return _from_many(str(path), _files_in(path))
    if not path.exists():
        raise InvalidInputError("path", f"{path} does not exist; give {_ACCEPTED}")
    beside = [file for file in _files_in(path.parent) if _may_be_catalogue(file)]
    return _from_one(LocalFile(path), beside)


def _from_stream(file: StandardInput) -> Source:
    if is_parquet(file.head()):
        raise InvalidInputError(
            "path", "Parquet is not read from standard input: its end comes first; give the file"
        )
    return _from_one(file, [])


def _from_s3(url: str, s3: Any) -> Source:
    if s3 is None:
        raise InvalidInputError("path", f"{url}: S3 is not read here; give {_ACCEPTED}")
    files = s3_files(s3, url)
    exact = next((file for file in files if file.where == url), None)
    if exact is None:
        return _from_many(url, files)
    near = s3_files(s3, f"{url.rpartition('/')[0]}/")
    depth = url.count("/")
    beside = [file for file in near if _may_be_catalogue(file) and file.where.count("/") == depth]
    return _from_one(exact, beside)


def _files_in(folder: Path) -> list[LocalFile]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise InvalidInputError("path", f"{folder} cannot be read: {error.strerror}") from error
    return [LocalFile(path) for path in paths if not path.name.startswith(".")]


def _may_be_catalogue(file: InputFile) -> bool:
    return file.name.lower().partition(".")[0] in _CATALOGUES


def _from_one(file: InputFile, beside: Sequence[InputFile]) -> Source:
    """The source of a file of events, with the catalogue among the files beside it."""
    form = format_of(file)
    if form is None:
        unknown = f"{file.where} is of no known format; give {_ACCEPTED}"
        raise InvalidInputError("path", fault_of(file) or unknown)
    if form.role is Role.MOVIES:
        raise InvalidInputError(
            "path",
            f"{file.where} is a catalogue, read together with the events beside it; name those",
        )
    if form.role is Role.USERS:
        raise InvalidInputError("path", f"{file.where} holds users, not events; give {_ACCEPTED}")
    event = Found(file, form)
    return FilesSource([event, *_matching(event, _formats(beside))])


def _from_many(where: str, files: Sequence[InputFile]) -> Source:
    """The source of all that lies in one place; what is of no known format is left out."""
    found = _formats(files)
    events = [each for each in found if each.format.role is Role.EVENTS]
    if not events:
        raise InvalidInputError("path", f"{where} holds no events; give {_ACCEPTED}")
    first_of = {each.format.family: each.file.name for each in reversed(events)}
    if len(first_of) > 1:
        names = ", ".join(sorted(first_of.values()))
        raise InvalidInputError("path", f"{where} holds {names}; name the one to import")
    users = [each for each in found if each.format.role is Role.USERS]
    return FilesSource([*events, *_matching(events[0], found), *users])


def _formats(files: Sequence[InputFile]) -> list[Found]:
    return [Found(file, form) for file in files if (form := format_of(file)) is not None]


def _matching(event: Found, found: list[Found]) -> list[Found]:
    """The catalogue: the files written as the events are, else those of another format."""
    movies = [each for each in found if each.format.role is Role.MOVIES]
    return [each for each in movies if each.format.family is event.format.family] or movies
