"""Figures as SVG in which a browser shows the value of what is pointed at; no script takes part."""

import io
import json
import re
from xml.etree import ElementTree

import matplotlib
from matplotlib.artist import Artist
from matplotlib.figure import Figure

SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", LINK)

SAID = "said "
"""How the id of an artist begins that has something to say; matplotlib writes it into the SVG."""

UNSEEN = (0.0, 0.0, 0.0, 1e-6)
"""Colour of what is there to be pointed at only. What is wholly transparent is not drawn, so it could not be."""

ABOVE = 10
"""Where in the order of drawing that is: nothing above it may catch the pointer."""


def say(artist: Artist, *texts: str) -> None:
    """Show a text while somebody points at an artist, or at a line of markers one text at each of them."""
    artist.set_gid(SAID + json.dumps(texts))


def says(artist: Artist) -> list[str]:
    """Return what an artist says; nothing if it is a usual one."""
    gid = artist.get_gid() or ""
    return list(json.loads(gid.removeprefix(SAID))) if gid.startswith(SAID) else []


def as_svg(figure: Figure, name: str, pointed: bool = True) -> str:
    """Return a figure as a file in SVG.

    Parameters
    ----------
    figure : Figure
    name : str
        Goes into the ids, so that those of several figures on one page differ.
    pointed : bool
        Whether it holds what can be pointed at, which is most of its size.
    """
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())
    for parent in () if pointed else list(root.iter()):
        for element in [child for child in parent if child.get("id", "").startswith(SAID)]:
            parent.remove(element)
    for element in root.iter():
        if element.get("id", "").startswith(SAID):
            texts = json.loads(element.attrib.pop("id").removeprefix(SAID))
            marks = [element] if len(texts) == 1 else element.findall(f".//{{{SVG}}}use")
            for mark, text in zip(marks, texts, strict=True):
                title = ElementTree.Element(f"{{{SVG}}}title")
                title.text = text
                mark.insert(0, title)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def inline(svg: str, label: str) -> str:
    """Return such a file as a labelled element of a page in HTML, without what only a file needs."""
    root = ElementTree.fromstring(svg)
    for element in root.findall(f"{{{SVG}}}metadata"):
        root.remove(element)
    # The style would hold for the whole page; as an attribute it is inherited within the figure.
    for element in root.findall(f"{{{SVG}}}defs"):
        if element.find(f"{{{SVG}}}style") is not None:
            root.remove(element)
    root.attrib |= {"stroke-linejoin": "round", "role": "img", "aria-label": label}
    used = set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg))
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        if f"{{{LINK}}}href" in element.attrib:
            element.set("href", element.attrib.pop(f"{{{LINK}}}href"))
        element.tail = None  # Between elements there is only white space.
        element.text = (element.text or "").strip()
    return ElementTree.tostring(root, encoding="unicode")
