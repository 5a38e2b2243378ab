"""A page as one file that a browser opens without a network: pictures, styles and sorting are inside."""

from base64 import b64encode
from pathlib import Path

from supernet_bench.analysis.pages.page import Page
from supernet_bench.analysis.pages.templating import render


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

    return render("report.html.jinja", page=page, picture=picture)
