"""A page as one file that a browser opens without a network: pictures, styles and sorting are inside."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from supernet_bench.analysis.pages.page import Page

TEMPLATES = Path(__file__).with_name("templates")


def page_as_html(page: Page, pictures: Mapping[str, str]) -> str:
    """Return a page in HTML.

    Parameters
    ----------
    page : Page
    pictures : mapping of str to str
        Its plots by name, as elements of HTML.
    """
    return _template().render(page=page, pictures=pictures)


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
