"""The share of the images that is trained on."""

from dataclasses import dataclass, field

from supernet_bench.heuristics._scaling import scaled
from supernet_bench.heuristics.base import Heuristic


@dataclass
class TrainPortion(Heuristic):
    """Training uses a random share `portion` of the images, drawn once per run and shuffled in every epoch.

    The epochs stay, so there are fewer steps too; a study that wants equal steps combines this with `epochs`. Which
    images are used depends on the seed alone, and a smaller share is part of every larger one.
    """

    name = "train_portion"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple({"portion": portion} for portion in (1.0, 0.5, 0.25))
    labels = {"portion": "{} of the images", "portion=1.0": "all images"}
    default = True

    portion: float = field(default=1.0, metadata={"help": "share of the training images", "low": 0.001, "high": 1.0})

    def training_images(self, images: int) -> int:
        return scaled(images, self.portion, 1)
