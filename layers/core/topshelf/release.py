"""Releasing a model: verify it, pass the gate, import its lists, check them, flip the pointer.

Each step is short and repeatable, so that a state machine (or a person at a terminal) can poll.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from topshelf.errors import (
    ConflictError,
    GateError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
)
from topshelf.gate import judge
from topshelf.manifest import (
    MANIFEST_NAME,
    Manifest,
    check_run,
    check_version,
    parse_manifest,
    provenance_of,
    version_hash,
)
from topshelf.ports import Champion, FactorStore, ImportReport, ModelRegistry, TopKImport
from topshelf.topk import POPULAR_KEY

__all__ = ["ModelRelease"]

SAMPLE_NAME = "topk-sample.json"
"""A few lists of the artefact, item ids by user id: what reads of the imported table must give."""

BUFFERING = timedelta(hours=1)
"""Longest time that an accepted event may wait on its way into the lake (Firehose: 15 minutes)."""


@dataclass(frozen=True, slots=True)
class ModelRelease:
    """The steps of a release.

    Attributes:
        artefacts: Holds the models.
        imports: Makes tables of their lists.
        registry: Knows what was done with each.
        gate_tolerance: How much lower than the champion's a model's NDCG@10 may be, a fraction.
    """

    artefacts: FactorStore
    imports: TopKImport
    registry: ModelRegistry
    gate_tolerance: float

    def run(self, step: str, version: str, *, force: bool = False) -> dict[str, str | int]:
        """Runs the step of that name.

        Args:
            step: ``verify``, ``gate``, ``import``, ``check``, ``flip`` or ``rollback``.
            version: The model version; ``rollback`` needs none.
            force: Whether ``gate`` lets the model pass whatever its metrics say.

        Returns:
            What was done, for a state machine to look at: ``status`` always.
        """
        match step:
            case "verify":
                return {"status": "verified", "files": len(self.verify(version).files)}
            case "gate":
                return {"status": self.pass_gate(version, force=force)}
            case "import":
                self.start_import(version)
                return {"status": "running"}
            case "check":
                report = self.check_import(version)
                return {"status": report.status, "imported": report.imported}
            case "flip" | "rollback":
                live = self.flip(version) if step == "flip" else self.rollback()
                return {"status": "live", "version": live.version, "previous": live.previous or ""}
            case _:
                raise InvalidInputError("step", f"{step!r} is no step of a release")

    def trained(self, run: str) -> str:
        """The version that a training made.

        Args:
            run: The name that the training was given.

        Raises:
            InvalidInputError: That is no name of a training.
            NotFoundError: No training of that name has ended well.
        """
        version = self.registry.version_of_run(check_run(run))
        if version is None:
            raise NotFoundError(
                f"no training {run} is on record; its log says how it ended", field="run"
            )
        return version

    def verify(self, version: str) -> Manifest:
        """Checks every file of the artefact against the manifest.

        Raises:
            NotFoundError: There is no manifest, so there is no model.
            IntegrityError: A file is missing, or differs from the manifest.
        """
        manifest = self._manifest(version)
        for name, entry in sorted(manifest.files.items()):
            digest, size = sha256(), 0
            try:
                for chunk in self.artefacts.chunks(version, name):
                    digest.update(chunk)
                    size += len(chunk)
            except NotFoundError as error:
                raise IntegrityError(f"{version} lacks {name}; train it again") from error
            if size != entry.size or digest.hexdigest() != entry.sha256:
                raise IntegrityError(
                    f"{name} of {version} is not what the manifest says "
                    f"({size} bytes, expected {entry.size}); it is not released, train it again"
                )
        self.registry.record(version, "verified", provenance_of(manifest))
        # An answer's id holds the version's hash alone: this leads back to the version.
        self.registry.record(version_hash(version).hex(), "alias", {"version": version})
        return manifest

    def pass_gate(self, version: str, *, force: bool = False) -> str:
        """Compares the metrics of a verified model with popularity's and the champion's.

        Args:
            version: The model version.
            force: Whether it passes whatever they say.

        Returns:
            ``passed``, or ``forced`` where it would not have passed. The registry keeps it, and
            what was compared.

        Raises:
            ConflictError: It was not verified.
            GateError: It is not good enough; it is not released.
        """
        known = self._require(version, "verified", "imported")
        live = self.registry.champion()
        champion = self._manifest(live.version).metrics if live else None
        verdict = judge(self._manifest(version).metrics, champion, self.gate_tolerance)
        result = "passed" if not verdict.refusal else "forced" if force else "rejected"
        details = {"gate": result, "gate_refusal": verdict.refusal, **verdict.figures}
        self.registry.record(version, known["status"], details)
        if result == "rejected":
            raise GateError(
                f"{version} is not released: {verdict.refusal}; look at its data and parameters, "
                "or release it all the same with `topshelf release --force`"
            )
        return result

    def start_import(self, version: str) -> None:
        """Begins to import the lists as the version's own table, unless that was done before.

        Raises:
            ConflictError: It was not verified, or has not passed the gate, or its table exists and
                no import is known.
        """
        known = self._require(version, "verified")
        _require_gate(version, known)
        if "import" in known:
            return
        handle = self.imports.start(version)
        self.registry.record(version, "verified", {"import": handle})

    def check_import(self, version: str) -> ImportReport:
        """Reads the import's report; once complete, compares it and reads a sample.

        Raises:
            ConflictError: No import was started.
            IntegrityError: It failed, counts differ, or a row is not what was trained.
        """
        handle = self._require(version, "verified", "imported").get("import")
        if handle is None:
            raise ConflictError(f"no import of {version} was started")
        report = self.imports.report(handle)
        if report.status == "failed":
            raise IntegrityError(f"the import of {version} failed: {report.detail}")
        if report.status == "running":
            return report
        expected = self._manifest(version).topk_items
        if report.imported != expected or report.errors:
            raise IntegrityError(
                f"the import of {version} wrote {report.imported} of {expected} lists "
                f"with {report.errors} errors; it is not released"
            )
        self._check_sample(version)
        self.registry.record(version, "imported", {"lists": str(report.imported)})
        return report

    def flip(self, version: str) -> Champion:
        """Makes the version the champion.

        Raises:
            ConflictError: It has not passed the gate, its import was not checked, or another flip
                came between.
        """
        _require_gate(version, self._require(version, "imported"))
        current = self.registry.champion()
        if current is not None and current.version == version:
            return current
        return self.registry.flip(current, version, _seen_since(self._manifest(version)))

    def rollback(self) -> Champion:
        """Makes the previous version the champion again.

        Raises:
            NotFoundError: There is no previous version.
            ConflictError: Another flip came between.
        """
        current = self.registry.champion()
        if current is None or current.previous is None:
            raise NotFoundError("there is no previous version to roll back to")
        return self.registry.flip(
            current, current.previous, _seen_since(self._manifest(current.previous))
        )

    def _manifest(self, version: str) -> Manifest:
        try:
            raw = self.artefacts.read(check_version(version), MANIFEST_NAME)
        except NotFoundError as error:
            raise NotFoundError(
                f"there is no model {version}, for it has no manifest; "
                "`topshelf train` prints the version that it wrote"
            ) from error
        return parse_manifest(raw, version)

    def _require(self, version: str, *statuses: str) -> Mapping[str, str]:
        known = self.registry.describe(check_version(version))
        if known.get("status") not in statuses:
            raise ConflictError(
                f"{version} is {known.get('status', 'unknown')}, not {' or '.join(statuses)}; "
                "run the release from its first step"
            )
        return known

    def _check_sample(self, version: str) -> None:
        expected: dict[str, str] = json.loads(self.artefacts.read(version, SAMPLE_NAME))
        found = self.imports.sample(version, list(expected))
        wrong = [
            key for key, items in expected.items() if key not in found or found[key].items != items
        ]
        if wrong or POPULAR_KEY not in expected:
            raise IntegrityError(
                f"{len(wrong)} of {len(expected)} lists sampled from {version} are not as trained"
            )


def _require_gate(version: str, known: Mapping[str, str]) -> None:
    if known.get("gate") not in ("passed", "forced"):
        raise ConflictError(
            f"{version} has not passed the gate; run the release from its first step"
        )


def _seen_since(manifest: Manifest) -> date:
    taken = datetime.fromtimestamp(manifest.data.taken_at / 1000, UTC)
    return (taken - BUFFERING).date()
