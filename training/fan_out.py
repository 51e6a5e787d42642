"""The steps of one training that several machines share, as the container runs them."""

from dataclasses import dataclass
from functools import partial

from topshelf.errors import ConflictError
from topshelf.ports import FactorStore, ModelRegistry
from training.lake import Progress
from training.publish import Write
from training.shard_inputs import hand_out
from training.shard_plan import ShardStore
from training.shards import finish, make_lists

__all__ = ["FanOut"]


@dataclass(frozen=True, slots=True)
class FanOut:
    """One training's steps.

    Attributes:
        store: What the steps hand on.
        run: The training's name.
        shards: How many machines make lists.
    """

    store: ShardStore
    run: str
    shards: int

    def fitted(self, registry: ModelRegistry) -> Write:
        """What takes a trained model in place of publish.

        Raises:
            ConflictError: A training of this name has ended: its version is recorded.
        """
        if version := registry.version_of_run(self.run):
            raise ConflictError(
                f"the training {self.run} has made {version}; give another a name of its own"
            )
        return partial(hand_out, store=self.store, run=self.run, shards=self.shards)

    def make_lists(self, shard: int, progress: Progress) -> str:
        """One shard's lists, see training.shards; gives a line for the log."""
        make_lists(self.store, run=self.run, shard=shard, shards=self.shards, progress=progress)
        return f"shard: {shard}"

    def finish(self, artefacts: FactorStore, registry: ModelRegistry, progress: Progress) -> str:
        """The model, its record, and nothing left of the shards; gives a line for the log."""
        version = registry.version_of_run(self.run)
        # Killed after the record, the step has only to clean up.
        if version is None:
            made = finish(
                self.store, artefacts, run=self.run, shards=self.shards, progress=progress
            )
            version = made.version
            registry.record_run(self.run, version)
        self.store.clear()
        return f"version: {version}"
