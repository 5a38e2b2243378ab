"""A page as one file that a browser opens without a network: pictures, styles and sorting are inside."""

from collections.abc import Mapping

from supernet_bench.analysis.pages.page import Page
from supernet_bench.analysis.pages.templating import render


def page_as_html(page: Page, pictures: Mapping[str, str]) -> str:
    """Return a page in HTML.

    Parameters
    ----------
    page : Page
    pictures : mapping of str to str
        Its plots by name, as elements of HTML.
    """
    return render("report.html.jinja", page=page, pictures=pictures)
