"""Plug-ins that work, and mistakes in them: what stands in its place, and how the line that names it begins."""

IMPORTS = """
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from supernet_bench.core.errors import InputError
from supernet_bench.images.base import ImageSource
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.path_dropout import PathDropout
from supernet_bench.proxies.base import Proxy
from supernet_bench.spaces.base import Costs, Space, TrainableSpace, Truth
from supernet_bench.spaces.toy import Toy
"""

HEURISTIC = """
@dataclass
class Mine(Heuristic):
    name: ClassVar[str] = "NAME"
    factor: ClassVar[str] = "NAME"
    source: ClassVar[str] = "nobody 2026"
    levels = ({"rate": 0.0}, {"rate": 0.5})
    default = True
    neutral = {"rate": 0.0}

    rate: float = field(default=0.0, metadata={"help": "rate", "low": 0.0, "high": 1.0})

    def loss(self, loss, logits, labels, step):
        return loss * (1 + self.rate)
"""

SPACE = """
@dataclass(frozen=True)
class Mine(Toy):
    name: ClassVar[str] = "NAME"
    source: ClassVar[str] = "nobody 2026"
    width: int = 4
"""

TABLE = """
@dataclass(frozen=True)
class Mine(Space):
    name: ClassVar[str] = "NAME"
    source: ClassVar[str] = "nobody 2026"
    choices = (2, 3)

    def published_costs(self):
        return Costs(parameters=np.arange(6), macs=np.arange(6))

    def truth(self, folder=None):
        return Truth(table="mine", columns={"mean": np.arange(6) / 6}, target="mean")
"""

IMAGES = """
@dataclass(frozen=True)
class Mine(ImageSource):
    name: ClassVar[str] = "NAME"
    source: ClassVar[str] = "nobody 2026"
    crop: int = 1
    flip: bool = False

    def load(self, folder=None):
        raise InputError("there are none")
"""

PROXY = """
@dataclass(frozen=True)
class Mine(Proxy):
    name: ClassVar[str] = "NAME"
    source: ClassVar[str] = "nobody 2026"
    power: float = field(default=1.0, metadata={"help": "power", "low": 0.5, "high": 2.0})

    def score(self, network, batch, generator):
        return sum(each.detach().norm().item() for each in network.parameters()) ** self.power
"""

NAME, FACTOR, SOURCE = 'name: ClassVar[str] = "NAME"', 'factor: ClassVar[str] = "NAME"', '"nobody 2026"'
LEVELS, DEFAULT, NEUTRAL = '({"rate": 0.0}, {"rate": 0.5})', "default = True", 'neutral = {"rate": 0.0}'
RATE = 'field(default=0.0, metadata={"help": "rate", "low": 0.0, "high": 1.0})'
LOSS, PROPERTY = "def loss(self, loss, logits, labels, step)", "@property\n    def loss(self)"
INIT = "def __post_init__(self):\n        1 / 0\n\n    "

Mistake = tuple[str, str, str]

HEURISTICS: dict[str, Mistake] = {
    "no_name": (NAME, "", "Mine.name is missing; allowed: a text of one line"),
    "no_source": (f"source: ClassVar[str] = {SOURCE}", "", "Mine.source is missing"),
    "name_is_a_list": (NAME, 'name = ["NAME"]', "Mine.name is ['name_is_a_list']"),
    "name_is_a_setting": (NAME, 'name: str = "NAME"', "Mine.name is a setting; allowed: "),
    "factor_is_a_number": (FACTOR, "factor = 3", "Mine.factor is 3"),
    "factor_of_two_lines": (FACTOR, r'factor = "a\nb"', r"Mine.factor is 'a\nb'"),
    "factor_of_tables": (FACTOR, 'factor = "untrained"', "Mine.factor is 'untrained'; allowed: "),
    "source_is_empty": (SOURCE, '" "', "Mine.source is ' '"),
    "no_dataclass": ("@dataclass", "", "Mine is no dataclass"),
    "no_dataclass_itself": ("@dataclass\nclass Mine(Heuristic)", "class Mine(PathDropout)", "Mine.rate is no setting"),
    "levels_are_a_setting": ("levels =", "levels: tuple =", "Mine.levels is a setting"),
    "levels_are_one": (LEVELS, '({"rate": 0.5})', "Mine.levels is {'rate': 0.5}; allowed: "),
    "levels_run_out": (LEVELS, '({"rate": rate} for rate in (0.0, 0.5))', "Mine.levels is <generator"),
    "level_is_a_number": (LEVELS, "(0.0, 0.5)", "Mine.levels is (0.0, 0.5)"),
    "level_names_no_setting": (LEVELS, '({"rat": 0.5},)', "Mine.levels has {'rat': 0.5}: unknown setting"),
    "level_out_of_range": (LEVELS, '({"rate": 5.0},)', "Mine.levels has {'rate': 5.0}: Mine.rate is 5.0"),
    "level_is_halved": (LOSS, f"def __post_init__(self): self.rate /= 2\n\n    {LOSS}",
                        "Mine.levels has settings {'rate': 0.25}, of which are made {'rate': 0.125}; allowed: "),
    "labels_are_a_list": (DEFAULT, f'{DEFAULT}; labels = ["rate"]', "Mine.labels is ['rate']; allowed: a mapping"),
    "label_is_a_number": (DEFAULT, f'{DEFAULT}; labels = {{"rate": 3}}', "Mine.labels is {'rate': 3}; allowed: "),
    "label_of_two_lines": (DEFAULT, f"{DEFAULT}; labels = {{'rate': 'a{chr(92)}nb'}}",
                           r"Mine.labels has 'rate': 'a\nb'"),
    "label_of_no_setting": (DEFAULT, f'{DEFAULT}; labels = {{"rat": "{{}}"}}', "Mine.labels has 'rat': '{}'; allow"),
    "labels_are_one": (DEFAULT, f'{DEFAULT}; labels = {{"rate": "some"}}', "Mine.labels calls 2 of its levels 'some'"),
    "label_is_empty": (DEFAULT, f'{DEFAULT}; labels = {{"rate=0.0": ""}}', "Mine.labels calls 1 of its levels ''"),
    "default_is_a_text": (DEFAULT, 'default = "yes"', "Mine.default is 'yes'; allowed: True or False"),
    "default_is_not_neutral": (NEUTRAL, 'neutral = {"rate": 0.1}', "Mine.default is True and neutral"),
    "equal_ones_differ": (DEFAULT, f"{DEFAULT}; __eq__ = object.__eq__", "Mine.__eq__ has equal settings differ"),
    "no_default": (DEFAULT, "", "Mine.factor is 'no_default', which has no usable default"),
    "second_default": (FACTOR, 'factor = "width"', "Mine.default is True, as in supernet_bench.heuristics.width"),
    "neutral_names_no_setting": (NEUTRAL, 'neutral = {"rat": 0.0}', "Mine.neutral has {'rat': 0.0}: unknown setting"),
    "neutral_out_of_range": (NEUTRAL, 'neutral = {"rate": 2.0}', "Mine.neutral has {'rate': 2.0}: Mine.rate is 2.0"),
    "neutral_is_a_set": (NEUTRAL, 'neutral = {"rate"}', "Mine.neutral is {'rate'}; allowed: None"),
    "conflicts_are_a_text": (DEFAULT, f'{DEFAULT}; conflicts = ("pool")', "Mine.conflicts is 'pool'"),
    "conflicts_are_classes": (DEFAULT, f"{DEFAULT}; conflicts = (PathDropout,)", "Mine.conflicts is (<class"),
    "order_is_a_text": (DEFAULT, f'{DEFAULT}; order = "last"', "Mine.order is 'last'; allowed: a whole number"),
    "uses_truth_is_none": (DEFAULT, f"{DEFAULT}; uses_truth = None", "Mine.uses_truth is None"),
    "setting_is_a_list": (f"float = {RATE}", "list = None", "Mine.rate has type list; allowed: int, float, bool, str"),
    "setting_is_optional": ("rate: float", "rate: float | None", "Mine.rate has type float | None"),
    "setting_is_of_a_level": ("rate: float", "heuristic: int = 1\n    rate: float", "Mine.heuristic is a setting"),
    "setting_is_a_hook": ("rate: float", "sample: int = 1\n    rate: float", "Mine.sample is 1; allowed: a method"),
    "type_is_unknown": ("rate: float", 'rate: "Foo"', "Mine.rate has a type that cannot be read: NameError: "),
    "default_of_another_type": ("default=0.0", "default=None", "Mine.rate has default None; allowed: a number"),
    "default_out_of_range": ("default=0.0", "default=7.0", "Mine.rate has default 7.0; allowed: a number from 0.0"),
    "default_is_made": ("default=0.0", "default_factory=float", "Mine.rate has a default_factory"),
    "default_is_missing": ("default=0.0, ", "", "Mine.rate has no default"),
    "bound_is_a_text": ('"low": 0.0', '"low": "0"', "Mine.rate has low '0'"),
    "choices_are_a_text": (f"float = {RATE}", 'str = field(default="a", metadata={"choices": "abc"})',
                           "Mine.rate has choices 'abc'"),
    "cannot_be_made": (LOSS, f"{INIT}{LOSS}", "Mine cannot be made as it stands: ZeroDivisionError"),
    "base_of_another_path": ("@dataclass\nclass Mine(H",
                             "import heuristics.base\n@dataclass\nclass Mine(heuristics.base.H",
                             "Mine derives from that of heuristics.base; allowed: import it from supernet_bench.heur"),
    "hook_takes_too_few": (LOSS, "def loss(self, loss, logits)", "Mine.loss takes (loss, logits): too many positional"),
    "hook_takes_too_many": (LOSS, "def loss(self, loss, logits, labels, step, more)", "Mine.loss takes (loss, "),
    "hook_takes_names_only": (LOSS, "def loss(self, *, loss, logits, labels, step)", "Mine.loss takes (loss, logits, "),
    "hook_without_self": (LOSS, "def loss(loss, logits, labels, step)", "Mine.loss takes (logits, labels, step)"),
    "hook_of_a_former_name": (LOSS, f"def scoring(self, supernet, generator): ...\n\n    {LOSS}",
                              "Mine.scoring is a hook's former name; allowed: while_scoring"),
    "hook_cannot_be_read": (LOSS, PROPERTY, "Mine.loss cannot be read: NameError"),
}  # fmt: skip

SPACES: dict[str, Mistake] = {
    "lacks_methods": ("(Toy)", "(Space)", "Mine.choices is missing; allowed: one, as Space.choices says"),
    "choices_are_a_method": ("width: int", "def choices(self): ...\n    width: int", "Mine.choices is a method"),
    "choices_are_a_list": ("width: int", "choices = [3, 3]\n    width: int", "Mine.choices is [3, 3]; allowed: "),
    "choices_are_none": ("width: int", "choices = ()\n    width: int", "Mine.choices is (); allowed: a tuple"),
    "mappings_are_a_text": ("width: int", 'mappings = "kernels"\n    width: int', "Mine.mappings is 'kernels'"),
    "mappings_name_nothing": ("width: int", 'mappings = {"kernel"}\n    width: int', "Mine.mappings is {'kernel'}"),
    "setting_without_default": (" = 4", " = field()", "Mine.width has no default"),
    "equal_ones_differ": ("width: int", "__eq__ = object.__eq__\n    width: int", "Mine.__eq__ has equal "),
    "no/file": (" = 4", " = 5", "Mine.name is 'no/file'; allowed: a text of one line that can be the name of a file"),
    "setting_is_a_network": (" = 4", " = 4\n    mappings: int = 1", "Mine.mappings is a setting; allowed: "),
    "supernet_takes_too_few": ("width: int", "def supernet(self, n): ...\n    width: int", "Mine.supernet takes (n)"),
    "truth_takes_nothing": ("width: int", "def truth(self): ...\n    width: int", "Mine.truth takes ()"),
}  # fmt: skip

TABLES: dict[str, Mistake] = {
    "table_without_truth": ("def truth", "def told", "Mine.truth is missing; allowed: one, as Space.truth says"),
    "table_takes_nothing": ("folder=None", "", "Mine.truth takes ()"),
    "table_with_a_supernet": ("def truth", "def supernet(self): ...\n\n    def truth",
                              "Mine.supernet is of no use to a Space, a table and no more; allowed: derive from Trai"),
    "table_with_networks": ("def truth", "def standalone(self): ...\n\n    def truth", "Mine.standalone is of no use"),
    "table_has_no_networks": ("(Space)", "(TrainableSpace)",
                              "Mine.costs is missing; allowed: one, as TrainableSpace.costs says"),
}  # fmt: skip

IMAGE_SETS: dict[str, Mistake] = {
    "no_crop": ("crop: int = 1", "", "Mine.crop is no setting"),
    "crop_is_no_setting": ("crop: int = 1", "crop = 1", "Mine.crop is no setting"),
    "flip_is_a_number": ("bool = False", "int = 0", "Mine.flip is no setting, or of another type"),
    "no_load": ("def load", "def read", "Mine.load is missing"),
    "load_takes_nothing": ("folder=None", "", "Mine.load takes ()"),
}

PROXIES: dict[str, Mistake] = {
    "no_score": ("def score", "def value", "Mine.score is missing; allowed: one, as Proxy.score says"),
    "score_takes_too_few": ("(self, network, batch, generator)", "(self, network)",
                            "Mine.score takes (network): too many positional"),
    "proxy_without_source": (f"source: ClassVar[str] = {SOURCE}", "", "Mine.source is missing"),
    "MACs": ("power", "power", "Mine.name is 'MACs'; allowed: a text of one line that is no row of other tables"),
    "proxy_setting_without_default": ("default=1.0, ", "", "Mine.power has no default; allowed: one"),
    "proxy_setting_out_of_range": ("default=1.0", "default=3.0", "Mine.power has default 3.0; allowed: a number from"),
    "proxy_no_dataclass": ("@dataclass(frozen=True)", "", "Mine is no dataclass"),
    "proxy_cannot_be_made": ("def score", "def __post_init__(self):\n        1 / 0\n\n    def score",
                             "Mine cannot be made as it stands: ZeroDivisionError"),
    "proxy_equal_ones_differ": ("power: float", "__eq__ = object.__eq__\n    power: float", "Mine.__eq__ has equal "),
}  # fmt: skip

MODULES = {
    "no_python": ("class Mine", "cannot be imported: SyntaxError: "),
    "no_import": ("import no_such_module", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
    "no_end": ("import sys\nsys.exit('usage: ...')", "cannot be imported: SystemExit: usage: ..."),
    "no_plugin": ("from supernet_bench.heuristics.width import Width", "defines no Heuristic; allowed: one of its own"),
}
"""What modules are that are no plug-ins, and how the line begins that names them."""
