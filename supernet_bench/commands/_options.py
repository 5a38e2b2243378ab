"""What several commands can be given: defaults, and what is said of them."""

from pathlib import Path

from supernet_bench.commands._command import argument, option

STORE, REPORTS, RESULTS = Path("store"), Path("reports"), Path("results")

STUDY_HELP = argument("Name of a shipped study, or path of a TOML file.")
STORE_HELP = option("Folder of the records.")
REPORTS_HELP = option("Folder of the reports.")
RESULTS_HELP = option("Folder of the published studies.")
DATA_HELP = option("Folder with images and tables; else $SUPERNET_BENCH_DATA, else downloaded.")
PLUGIN_HELP = option("Python file with plug-ins of your own; repeat it for more.", "FILE")
