"""What a plug-in must be, checked before anything uses it, so that a mistake in one is named and harms no other."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from numbers import Integral
from pathlib import Path
from traceback import extract_tb
from typing import Any, ClassVar, get_origin, get_type_hints

from supernet_bench.benchmark.plugins.plugin_file import place
from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.core.settings import WORDS, allowed, build, check_value, check_values, required, settings, values_of
from supernet_bench.heuristics.base import is_neutral, label_of
from supernet_bench.spaces.base import Construction, TrainableSpace

TEXT = "a text of one line"
NO_FACTORS = ("baseline", "untrained", "reference")
"""What tables have in the place of a factor."""
ROWS = ("parameter count", "MACs", "noise ceiling", "untrained")
"""What tables call other references than proxies."""
FORMER_HOOKS = {"scoring": "while_scoring"}
"""Names that hooks had, which nothing calls, and those that they have."""


@dataclasses.dataclass(frozen=True)
class Broken:
    """A plug-in that is left out.

    Attributes
    ----------
    kind : {"heuristic", "space", "images", "proxy"}
    module : str
        Where it is, or should be; the path of a file of the user's own.
    reason : str
        What is wrong.
    attribute : str
        With what, as ``Class.attribute``; empty if it is with the module.
    name, factor : str
        What a study would call it; empty if that cannot be told.
    """

    kind: str
    module: str
    reason: str
    attribute: str = ""
    name: str = ""
    factor: str = ""

    @classmethod
    def of(cls, kind: str, plugin: type, attribute: str, reason: str) -> "Broken":
        """Return that a class is left out because of one of its attributes, or of the class if that is empty."""
        name, factor = (getattr(plugin, key, "") for key in ("name", "factor"))
        return cls(
            kind=kind,
            module=place(plugin.__module__),
            reason=reason,
            attribute=f"{plugin.__name__}.{attribute}" if attribute else plugin.__name__,
            name=name if _is_text(name) else "",
            factor=factor if _is_text(factor) else "",
        )

    def __str__(self) -> str:
        return " ".join(f"plug-in {self.module}: {self.attribute} {self.reason}".split())


class Mistake(Exception):
    """What is wrong with an attribute of a plug-in, or with its class if that is empty."""

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(attribute, reason)
        self.attribute, self.reason = attribute, reason


def examine(kind: str, plugin: type, base: type) -> Broken | None:
    """Return what is found wrong with a plug-in first, if anything.

    Parameters
    ----------
    kind : {"heuristic", "space", "images", "proxy"}
    plugin, base : type
        A class, and the one that it must be like.
    """
    try:
        _check_members(plugin, base)
        _expect(plugin, "name", _is_text, TEXT)
        _expect(plugin, "source", lambda value: isinstance(value, str) and value.strip(), "a text, the publication")
        _check_settings(plugin, base)
        CHECKS[kind](plugin)
    except Mistake as mistake:
        return Broken.of(kind, plugin, mistake.attribute, mistake.reason)
    except (Exception, SystemExit) as error:  # What a class does when it is looked at is not specified.
        return Broken.of(kind, plugin, "", f"cannot be examined: {in_one_line(error)}")
    return None


def with_line(error: BaseException) -> str:
    """Return type and message of an error that a plug-in raised, with the line of the file where it did."""
    places = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    places = [(path, line) for path, line in places if path.suffix == ".py" and not _is_machinery(path)]
    if isinstance(error, SyntaxError) or not places:  # The message of a SyntaxError has it already.
        return in_one_line(error)
    path, line = places[-1]
    return f"{in_one_line(error)} ({path.name}, line {line})"


def _is_machinery(path: Path) -> bool:
    """Return whether a file is among those that import and call plug-ins, or refuse what they do."""
    package = Path(__file__).parents[2]
    base = package / "heuristics" / "base.py"
    machinery = (package / "benchmark", package / "core", base, Path(importlib.__file__).parent)
    return any(path.is_relative_to(place) for place in machinery)


def _check_heuristic(plugin: Any) -> None:
    for former, name in FORMER_HOOKS.items():
        if callable(inspect.getattr_static(plugin, former, None)):
            raise Mistake(former, f"is a hook's former name; allowed: {name}")
    words = f"{TEXT}, not {', '.join(NO_FACTORS)}"
    _expect(plugin, "factor", lambda value: _is_text(value) and value not in NO_FACTORS, words)
    _expect(plugin, "default", lambda value: isinstance(value, bool), "True or False")
    _expect(plugin, "uses_truth", lambda value: isinstance(value, bool), "True or False")
    _expect(plugin, "order", lambda value: type(value) is int, "a whole number")
    _expect(plugin, "conflicts", _are_texts, "a tuple of names")
    _expect(plugin, "neutral", lambda value: value is None or isinstance(value, Mapping), "None, or values of settings")
    _expect(plugin, "levels", _are_tables, "a tuple of values of settings")
    if plugin.default or not required(plugin):
        _check_equal(_make(plugin), _make(plugin))
    if plugin.neutral is not None:
        _accept(plugin, "neutral", plugin.neutral, whole=False)
    for level in plugin.levels:
        _accept(plugin, "levels", level)
    _check_labels(plugin)
    # A run that names no heuristic of a factor is one without it; ids of runs rest on that.
    if plugin.default and not is_neutral(plugin()):
        raise Mistake("default", f"is True and neutral is {plugin.neutral!r}; allowed: what it is as it stands")


def _check_labels(plugin: Any) -> None:
    """Look whether what a heuristic calls its levels fits cells and axes, and tells its levels apart."""
    words = "a mapping of texts of one line"
    _expect(plugin, "labels", lambda value: isinstance(value, Mapping) and _are_texts([*value, *value.values()]), words)
    names = {"", *(field.name for field in settings(plugin))}
    for key, text in plugin.labels.items():
        if key.partition("=")[0] not in names or (text and not _is_text(text)):
            raise Mistake("labels", f"has {key!r}: {text!r}; allowed: {words}, by setting or setting=value")
    found = [label_of(plugin, level) for level in plugin.levels if plugin.labels]
    for text in found:
        if not text or found.count(text) > 1:
            raise Mistake("labels", f"calls {found.count(text)} of its levels {text!r}; allowed: one of each")


def _check_space(plugin: Any) -> None:
    _expect(plugin, "name", lambda value: not {"/", "\\"} & set(value), f"{TEXT} that can be the name of a file")
    if issubclass(plugin, TrainableSpace):
        _check_members(plugin, TrainableSpace)
        _check_settings(plugin, TrainableSpace)
        _check_mappings(plugin)
    else:
        _check_no_networks(plugin)
    made = _make(plugin)
    _check_equal(made, _make(plugin))
    _expect(made, "choices", _are_counts, "a tuple of whole numbers, at least 1")
    _expect(made, "size", lambda value: _are_counts((value,)), "a whole number, at least 1")


def _check_no_networks(plugin: Any) -> None:
    for name in ("supernet", "standalone"):
        if hasattr(plugin, name):
            raise Mistake(name, "is of no use to a Space, a table and no more; allowed: derive from TrainableSpace")


def _check_mappings(plugin: Any) -> None:
    known = {field.name for field in dataclasses.fields(Construction)} - {"norm", "dtype"}
    _expect(
        plugin, "mappings", lambda value: _are_texts(value) and known.issuperset(value), f"a set of {sorted(known)}"
    )


def _check_images(plugin: Any) -> None:
    hints, names = get_type_hints(plugin), {field.name for field in settings(plugin)}
    for name, kind in (("crop", int), ("flip", bool)):
        if name not in names or hints[name] is not kind:
            raise Mistake(name, f"is no setting, or of another type; allowed: one that is {WORDS[kind]}")
    if not required(plugin):
        _check_equal(_make(plugin), _make(plugin))


def _check_proxy(plugin: Any) -> None:
    words = f"{TEXT} that is no row of other tables"
    _expect(plugin, "name", lambda value: value not in ROWS, words)
    _check_equal(_make(plugin), _make(plugin))


CHECKS: Mapping[str, Callable[[Any], None]] = {
    "heuristic": _check_heuristic,
    "space": _check_space,
    "images": _check_images,
    "proxy": _check_proxy,
}
"""What is asked of each kind of plug-in, beside what all have."""


def _check_members(plugin: type, base: type) -> None:
    """Look whether what a plug-in overrides can be called, or read, like what it replaces."""
    for name in sorted(getattr(plugin, "__abstractmethods__", ())):
        owner = next(each for each in plugin.__mro__ if name in vars(each))
        raise Mistake(name, f"is missing; allowed: one, as {owner.__name__}.{name} says")
    for name, member in vars(base).items():
        own = inspect.getattr_static(plugin, name)
        if name.startswith("_") or own is member:
            continue
        if isinstance(member, property | cached_property) and inspect.isfunction(own):
            raise Mistake(name, "is a method; allowed: a property")
        if inspect.isfunction(member):
            _check_method(plugin, name, member)


def _check_method(plugin: type, name: str, replaced: Callable[..., Any]) -> None:
    own = _read(object.__new__(plugin), name)  # Without `self`, whether it is a method, static or of the class.
    if not callable(own):
        raise Mistake(name, f"is {own!r}; allowed: a method")
    expected = list(inspect.signature(replaced).parameters.values())[1:]
    try:
        signature = inspect.signature(own)
    except ValueError:
        return  # Some callables that are not written in Python do not tell.
    try:
        signature.bind(*expected)
    except TypeError as error:
        taken, given = ", ".join(signature.parameters), ", ".join(parameter.name for parameter in expected)
        raise Mistake(name, f"takes ({taken}): {error}; allowed: what is given ({given}), by position") from None


def _check_settings(plugin: Any, base: type) -> None:
    """Look whether the fields of a plug-in are settings that a study can have."""
    if not hasattr(plugin, "__dataclass_fields__"):
        raise Mistake("", "is no dataclass; allowed: one, by @dataclass")
    hints = _hints(plugin)
    for name in () if "__dataclass_fields__" in vars(plugin) else inspect.get_annotations(plugin):
        if not _is_of_class(hints[name]):
            raise Mistake(name, f"is no setting; allowed: one, by @dataclass on {plugin.__name__} itself")
    # A level of a study names its heuristic by `heuristic`.
    taken = {*vars(base), "heuristic", *(name for name, hint in get_type_hints(base).items() if _is_of_class(hint))}
    for field in settings(plugin):
        if field.name in taken:
            raise Mistake(field.name, "is a setting; allowed: another name for one, or ClassVar if it is none")
        _check_setting(field, hints[field.name])


def _check_setting(field: dataclasses.Field[Any], kind: Any) -> None:
    """Look whether `core.settings` can read a field."""
    if kind not in WORDS:
        raise Mistake(field.name, f"has type {getattr(kind, '__name__', kind)}; allowed: int, float, bool, str")
    number = int | float
    for key in ("low", "high"):
        if key in field.metadata and (kind is str or not isinstance(field.metadata[key], number)):
            raise Mistake(field.name, f"has {key} {field.metadata[key]!r}; allowed: a number, if its values are such")
    choices, kinds = field.metadata.get("choices", (kind(),)), number if kind is float else kind
    if not _is_collection(choices) or not choices or not all(isinstance(each, kinds) for each in choices):
        raise Mistake(field.name, f"has choices {choices!r}; allowed: a tuple of values of type {kind.__name__}")
    if field.default_factory is not dataclasses.MISSING:
        raise Mistake(field.name, "has a default_factory; allowed: a default")
    if field.default is not dataclasses.MISSING:
        try:
            check_value(field.default, kind, field, field.name)
        except InputError:
            raise Mistake(field.name, f"has default {field.default!r}; allowed: {allowed(kind, field)}") from None


def _check_equal(first: object, second: object) -> None:
    if first != second:
        raise Mistake("__eq__", "has equal settings differ; allowed: that of a dataclass")


def _make(plugin: Any) -> Any:
    """Return a plug-in as it stands."""
    for name in required(plugin):
        raise Mistake(name, "has no default; allowed: one")
    try:
        return plugin()
    except (Exception, SystemExit) as error:  # A dataclass may do anything when it is made.
        raise Mistake("", f"cannot be made as it stands: {with_line(error)}") from error


def _accept(plugin: Any, attribute: str, values: Mapping[str, Any], whole: bool = True) -> None:
    """Look whether a study could have these settings; not all that are required are there unless it is a `whole`."""
    try:
        check_values(plugin, values, plugin.__name__)
        if whole or values.keys() >= set(required(plugin)):
            _check_made_again(build(plugin, values, plugin.__name__), attribute)
    except Mistake:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, InputError) else with_line(error)
        raise Mistake(attribute, f"has {dict(values)!r}: {reason}") from error


def _check_made_again(made: Any, attribute: str) -> None:
    """Look whether one with the same settings has the same: a run starts such, also when it is read from a record."""
    first, second = values_of(made), values_of(type(made)(**values_of(made)))
    if first != second:
        raise Mistake(attribute, f"has settings {first!r}, of which are made {second!r}; allowed: the same")


def _expect(owner: Any, attribute: str, is_valid: Callable[[Any], object], words: str) -> None:
    missing = object()
    if inspect.getattr_static(owner, attribute, missing) is missing:
        raise Mistake(attribute, f"is missing; allowed: {words}")
    value = _read(owner, attribute)
    if not is_valid(value):
        raise Mistake(attribute, f"is {value!r}; allowed: {words}")


def _read(owner: Any, attribute: str) -> Any:
    try:
        return getattr(owner, attribute)
    except Exception as error:  # A property may do anything.
        raise Mistake(attribute, f"cannot be read: {with_line(error)}") from error


def _hints(plugin: type) -> dict[str, Any]:
    """Return the types of all annotations, or raise Mistake for one that says none."""
    try:
        return get_type_hints(plugin)
    except Exception:  # An annotation may be any expression.
        for owner in plugin.__mro__:
            for name, annotation in inspect.get_annotations(owner).items():
                alone = type("", (), {"__annotations__": {name: annotation}, "__module__": owner.__module__})
                try:
                    get_type_hints(alone)
                except Exception as error:
                    raise Mistake(name, f"has a type that cannot be read: {in_one_line(error)}") from error
        raise


def _is_of_class(hint: Any) -> bool:
    return hint is ClassVar or get_origin(hint) is ClassVar


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and value == " ".join(value.split())


def _is_collection(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return _is_collection(value) and all(isinstance(each, str) for each in value)


def _are_tables(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(each, Mapping) for each in value)


def _are_counts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(isinstance(n, Integral) and int(n) > 0 for n in value)
