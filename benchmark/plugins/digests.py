"""Digests of the code of plug-ins: what changes what they do changes the digest, and nothing else does.

A digest is that of the syntax trees of the module of a class, of those that it inherits from, and of what these import
of their own package, with the engines that run networks. Comments, docstrings, the layout of the text, types of
arguments, what people call levels, and the names of files leave it.
Sources in other languages that lie beside these modules are part of it as they are.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec, resolve_name
from pathlib import Path

PACKAGES = ("supernet_bench.heuristics", "supernet_bench.spaces", "supernet_bench.images", "supernet_bench.proxies")
"""Where the suite's own plug-ins are."""

ENGINES = "supernet_bench.engines"
"""What runs the networks of the suite's own spaces, and so is part of their code."""

CONTRACTS = {"supernet_bench.heuristics.setup", *(f"{package}.base" for package in PACKAGES)}
"""Modules that say what a plug-in is, and belong to none."""

_LENGTH = 16
_COMPILED = (".c", ".cpp", ".cu", ".cuh", ".h")


@cache
def digest(kind: type) -> str:
    """Return the digest of the code of a plug-in, and for one of an installed package also its name and version.

    Parameters
    ----------
    kind : type
        The class of a heuristic, a space, a set of images, or a proxy.
    """
    modules: set[str] = set()
    for each in kind.__mro__:
        if _package(each.__module__) in (*PACKAGES, _package(kind.__module__)):
            _add_with_imports(each.__module__, modules)
    text = "\n".join(sorted(_module_digest(name) for name in modules))
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH] + _distribution(kind.__module__)


def canonical(source: str, package: str = "supernet_bench.heuristics") -> str:
    """Return what is compared of the source of a module of a package, the same in every version of Python."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or _is_ours(node.module or "", package)):
            node.module, node.level = None, 0  # Where a name comes from changes when a file is moved.
        if isinstance(node, ast.JoinedStr):  # Python 3.12.1 adds empty texts.
            node.values = [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]
    return _text(tree)


def _is_ours(module: str, package: str) -> bool:
    return module.partition(".")[0] in ("supernet_bench", package.partition(".")[0])


def _package(module: str) -> str:
    """Return the package whose modules a plug-in's module may build on."""
    inside = (package for package in (*PACKAGES, ENGINES) if module.startswith(f"{package}."))
    return next(inside, module.partition(".")[0])


def _add_with_imports(module: str, found: set[str]) -> None:
    """Add a module, and what it imports of its own package and of engines, and so on."""
    package = _package(module)
    followed = (package, ENGINES) if package in PACKAGES else (package,)
    if module in found or module in CONTRACTS:
        return
    tree = _tree(module)
    if tree is None:
        return
    found.add(module)
    for name in _imported(tree, module):
        if any(name == each or name.startswith(f"{each}.") for each in followed):
            _add_with_imports(name, found)


def _imported(tree: ast.AST, module: str) -> Iterator[str]:
    """Yield the absolute names of what a module imports; some name no module but what is in one."""
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    spec = find_spec(module)
    package = module if spec and spec.submodule_search_locations is not None else module.rpartition(".")[0]
    return resolve_name("." * node.level + (node.module or ""), package)


def _tree(module: str) -> ast.Module | None:
    """Return the syntax tree of a module of a package, or None if there is no such module or it cannot be read."""
    source = _source(module)
    try:
        return None if source is None else ast.parse(source)
    except (SyntaxError, ValueError):  # It is imported only when it is needed, if ever.
        return None


@cache
def _source(module: str) -> str | None:
    try:
        # To look in what is no package would import it, and with it what only it needs, such as published tables.
        above = module.rpartition(".")[0]
        if above and not _is_package(above):
            return None
        spec = find_spec(module)
        get_source = getattr(spec and spec.loader, "get_source", None)
        return get_source(module) if get_source else None
    except Exception:  # What is imported may be something in a module; packages above it are imported, and may fail.
        return None


@cache
def _is_package(module: str) -> bool:
    spec = find_spec(module)
    return spec is not None and spec.submodule_search_locations is not None


@cache
def _module_digest(module: str) -> str:
    parts = [canonical(_source(module) or "", _package(module)), *_beside(module)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _beside(module: str) -> list[str]:
    """Return the texts in other languages that lie beside a module, which may compile them."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return []
    files = sorted(path for path in Path(spec.origin).parent.glob("*") if path.suffix in _COMPILED)
    return [path.read_text(encoding="utf-8", errors="replace") for path in files]


def _distribution(module: str) -> str:
    """Return name and version of the installed package that brings a plug-in's module, for its digest."""
    return _distributions().get(module, "")


@cache
def _distributions() -> dict[str, str]:
    """Return the installed package of each module that brings plug-ins."""
    groups = [f"supernet_bench.{package.rpartition('.')[2]}" for package in PACKAGES]
    found = [(entry.value.strip(), entry.dist) for group in groups for entry in entry_points(group=group)]
    return {module: f" ({package.name} {package.version})" for module, package in found if package}


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes that are executed, so none that are there for types alone."""
    if _is_for_types(node):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _text(node: object) -> str:
    """Return a node without what does not count, and without empty fields, of which versions of Python have others."""
    if isinstance(node, list):
        return f"[{','.join(_text(item) for item in node if not _says_nothing(item))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    ignored = _IGNORED.get(type(node), ())
    fields = ((name, value) for name, value in ast.iter_fields(node) if name not in ignored)
    if isinstance(node, ast.ClassDef):
        fields = ((name, value if name != "body" else _without_labels(value)) for name, value in fields)
    parts = (f"{name}={_text(value)}" for name, value in fields if value is not None and value != [])
    return f"{type(node).__name__}({','.join(parts)})"


_IGNORED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.FunctionDef: ("returns", "type_comment"),
    ast.AsyncFunctionDef: ("returns", "type_comment"),
    ast.arg: ("annotation", "type_comment"),
    ast.Constant: ("kind",),
}


def _without_labels(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the body of a class without what it calls its levels."""
    named = ((node, [ast.unparse(target) for target in _targets(node)]) for node in body)
    return [node for node, names in named if names != ["labels"]]


def _targets(node: ast.stmt) -> list[ast.expr]:
    """Return what a statement gives a value to, if it is an assignment."""
    return node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []


def _says_nothing(node: object) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return is_text or isinstance(node, ast.Pass) or _is_for_types(node)


def _is_for_types(node: object) -> bool:
    """Return whether a node is `if TYPE_CHECKING:`."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    return ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
