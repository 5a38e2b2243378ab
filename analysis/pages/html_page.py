"""A page as one file that a browser opens without a network: pictures, styles and sorting are inside."""

from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from supernet_bench.analysis.pages.page import Page

TEMPLATES = Path(__file__).with_name("templates")


def page_as_html(page: Page, plots: Path) -> str:
    """Return a page in HTML.

    Parameters
    ----------
    page : Page
    plots : Path
        Folder of its plots, as PNG.
    """

    def picture(name: str) -> str:
        return "data:image/png;base64," + b64encode((plots / f"{name}.png").read_bytes()).decode("ascii")

    return _template().render(page=page, picture=picture)


@cache
def _template() -> Template:
    """Return the template, which escapes every text that it is given."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment.get_template("report.html")
