"""What the README claims is what was published."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ESTIMATE = re.compile(r"[-+]?\d\.\d{3}\s\[[-+]?\d\.\d{3}, [-+]?\d\.\d{3}\]")


def test_every_interval_of_the_readme_is_one_of_the_results() -> None:
    readme, results = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "results/README.md"))
    claims = [" ".join(claim.split()) for claim in ESTIMATE.findall(readme)]
    assert len(claims) > 10
    assert [claim for claim in claims if claim not in results] == []


def test_pages_and_pictures_that_the_readme_shows_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    places = re.findall(r"\]\((?!http)([^)#]+)\)|src=\"([^\"]+)\"", readme)
    assert places
    assert [place for pair in places for place in pair if place and not (ROOT / place).exists()] == []
