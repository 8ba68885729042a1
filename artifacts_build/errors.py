"""What the build step refuses: a branch of the library's error tree.

    PointsmanError
    └── BuildError                     the build step cannot go on with what it was given
        ├── DatasetError               outcomes that cannot be learned from as they are
        ├── CheckpointError            an embedder's checkpoint that cannot be exported
        └── ForeignRouterError         another program's trained router that cannot be flattened

Each message names the file, the line or row where there is one, what is wrong with it, and the remedy.
"""

from pointsman.errors import PointsmanError


class BuildError(PointsmanError):
    """The build step cannot go on with what it was given."""

    code = "build"
    title = "The build step cannot go on"


class DatasetError(BuildError):
    """Outcomes that cannot be learned from as they are."""

    code = "dataset"
    title = "The dataset cannot be used"


class CheckpointError(BuildError):
    """An embedder's checkpoint that cannot be exported."""

    code = "checkpoint"
    title = "The checkpoint cannot be exported"


class ForeignRouterError(BuildError):
    """Another program's trained router that cannot be flattened."""

    code = "foreign-router"
    title = "The router cannot be flattened"
