"""Records that were published once: the baseline on digits and `kernel_sharing transform`, eight seeds each.

They are real scores of real supernets, 200 architectures at two late checkpoints, in the form of a published study.
`architectures.csv` is all that is known of the table of the space.
"""

from pathlib import Path

import pandas as pd

from supernet_bench.analysis.results import Results, load_results
from supernet_bench.records.archive import unpack
from supernet_bench.records.reference import write_table

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "digits"
STUDY = "digits-of-old"
TARGET = "cifar10_valid_200"
TRANSFORM = ("kernel_sharing", "mode=transform")
BASELINE = ("baseline", "baseline")


def load() -> Results:
    """Return the results of the study; its space is the 200 architectures that were scored."""
    with unpack(FOLDER) as store:
        write_table(store, table())
        return load_results(store, STUDY)


def table() -> pd.DataFrame:
    """Return what is known of the architectures, as a reference table."""
    known = pd.read_csv(FOLDER / "architectures.csv").rename(columns={"truth": TARGET})
    known["isomorphism"] = known["index"]
    known.attrs = {"space": "nasbench201", "table": "of the scored architectures", "target": TARGET, "left_out": 0}
    return known


def run_ids(results: Results, place: tuple[str, str]) -> list[str]:
    """Return the runs of a factor and a level, by seed."""
    runs = results.runs[(results.runs["factor"] == place[0]) & (results.runs["level"] == place[1])]
    return runs.sort_values("seed")["run_id"].to_list()
