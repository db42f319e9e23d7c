"""A training that was asked for, as one value: made once, from a command line or by a comparison."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.recipe import Recipe
from training.run_folder import RunConfig


@dataclass(frozen=True)
class TrainingRequest:
    """A training that was asked for.

    Attributes:
        config: What is trained, on which backend, by which recipe.
        command: What the user typed to have it trained; `environment.json` keeps it.
        out: The run's folder; None takes the usual one in `runs/`.
        data_dir: Folder of the data set's files; None takes those that travel with the repository, or downloads.
        resume: Whether to go on with the run that is in `out`.
        overwrite: Whether an earlier run in `out` may be deleted.
        figures: Whether to plot any.
        tsne: Whether to animate the t-SNE map.
        tensorboard: Whether to write TensorBoard's files.
        csv: Whether to write Keras's own CSV file.
        checkpoint_seconds: Least time between two checkpoints.
    """

    config: RunConfig
    command: str
    out: Path | None = None
    data_dir: Path | None = None
    resume: bool = False
    overwrite: bool = False
    figures: bool = True
    tsne: bool = False
    tensorboard: bool = False
    csv: bool = False
    checkpoint_seconds: float = 10.0

    def to_dict(self) -> dict[str, Any]:
        """Return the request in JSON's types, for a process's command line."""
        paths = {
            key: None if path is None else str(path) for key, path in (("out", self.out), ("data_dir", self.data_dir))
        }
        return dataclasses.asdict(self) | paths

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingRequest":
        """Return the request that `to_dict` wrote."""
        config = RunConfig(**values["config"] | {"recipe": Recipe.from_dict(values["config"]["recipe"])})
        paths = {key: None if values[key] is None else Path(values[key]) for key in ("out", "data_dir")}
        return cls(**values | paths | {"config": config})
