"""The folder that keeps an emulator's state: whole or refused, never half."""

import os
from pathlib import Path

import pytest

from infra.local.state_folder import StateFolder, saved_at
from topshelf.errors import ConflictError, IntegrityError, InvalidInputError


def kept(folder: StateFolder, *contents: bytes) -> list[str]:
    names = [folder.put([content]) for content in contents]
    folder.commit({"names": names}, set(names))
    return names


def test_what_is_kept_is_there_next_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"
    with StateFolder(path) as folder:
        assert folder.state is None
        assert saved_at(path) is None
        names = kept(folder, b"one", b"two")
    with StateFolder(path) as folder:
        assert folder.state == {"format": 2, "names": names}
        assert [folder.get(name) for name in names] == [b"one", b"two"]
    assert saved_at(path) is not None


def test_others_cannot_read_it(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with StateFolder(path) as folder:
        (name,) = kept(folder, b"a secret")
    for part in (path / "state.json", path / "blobs" / name):
        assert part.stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o077 == 0


def test_the_same_content_is_kept_once_and_the_old_goes(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        first = kept(folder, b"same", b"old")
        second = kept(folder, b"same", b"new")
        assert first[0] == second[0]
        assert {p.name for p in (tmp_path / "blobs").iterdir()} == set(second)


def test_what_is_kept_already_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StateFolder(tmp_path) as folder:
        (name,) = kept(folder, b"same")
        monkeypatch.setattr(folder, "put", None)
        assert folder.put_once(b"same") == name
        monkeypatch.undo()
        assert folder.get(folder.put_once(b"other")) == b"other"


def test_a_state_that_is_not_committed_never_was(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        names = kept(folder, b"one")
        folder.put([b"two"])
    (tmp_path / "state.json.part").write_text('{"half":')
    with StateFolder(tmp_path) as folder:
        assert folder.state == {"format": 2, "names": names}
        kept(folder, b"three")
    assert len(list((tmp_path / "blobs").iterdir())) == 1


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with StateFolder(tmp_path), pytest.raises(ConflictError, match="another local cloud"):
        StateFolder(tmp_path)
    StateFolder(tmp_path).close()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InvalidInputError, match=r"thesis\.tex") as refused:
        StateFolder(tmp_path)
    assert refused.value.field == "persist"
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("where", ["/dev/null", "/dev/null/folder", "/proc/nothing"])
def test_a_folder_that_cannot_be_is_told(where: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot use"):
        StateFolder(Path(where))


@pytest.mark.parametrize("content", ['{"format": 99}', "[]", '{"names": []}'])
def test_another_version_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(IntegrityError, match="another version"):
        StateFolder(tmp_path)


@pytest.mark.parametrize("damage", ["state", "missing", "changed"])
def test_damage_is_told_and_nothing_is_served_in_its_place(tmp_path: Path, damage: str) -> None:
    with StateFolder(tmp_path) as folder:
        (name,) = kept(folder, b"content")
    blob = tmp_path / "blobs" / name
    if damage == "state":
        (tmp_path / "state.json").write_text('{"format": 2, "na')
    elif damage == "missing":
        blob.unlink()
    else:
        blob.write_bytes(b"contenT")
    with pytest.raises(IntegrityError, match="damaged"), StateFolder(tmp_path) as folder:
        folder.get(name)
    # Whoever was refused holds no lock.
    if damage == "state":
        (tmp_path / "state.json").unlink()
    StateFolder(tmp_path).close()


def test_a_full_disk_leaves_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with StateFolder(tmp_path) as folder:
        names = kept(folder, b"one")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            folder.put([b"two"])
        with pytest.raises(OSError, match="No space"):
            folder.commit({"names": []}, set())
    with StateFolder(tmp_path) as folder:
        assert folder.state == {"format": 2, "names": names}
        assert folder.get(names[0]) == b"one"
