"""Tables in each format, with text that the format would misread."""

from supernet_bench.analysis.pages.markup import escape_latex
from supernet_bench.analysis.pages.render import as_latex, as_markdown
from supernet_bench.analysis.pages.tables import Table

TABLE = Table(
    "A title",
    ("factor", "level", "tau", "95 %"),
    (("batch_norm", "a|b & c", "0.500", "[0.400, 0.600] †"), ("batch_norm", "x", "-0.010", "[-0.2, +0.1]")),
    text_columns=2,
)


def test_markdown_cells_cannot_break_the_table() -> None:
    lines = as_markdown([TABLE], ["with_underscore"]).splitlines()
    assert lines[2] == r"| factor      | level    |    tau |             95 % |"
    assert lines[3] == r"| ----------- | -------- | -----: | ---------------: |"
    assert lines[4] == r"| batch\_norm | a\|b & c |  0.500 | [0.400, 0.600] † |"
    assert lines[-1] == r"with\_underscore"


def test_latex_is_escaped() -> None:
    latex = as_latex([TABLE], ["5 % of #1 {x} ~ ^ $ \\"])
    assert r"\begin{tabular}{llrr}" in latex
    assert r"batch\_norm & a\textbar{}b \& c & 0.500 & {}[0.400, 0.600] $\dagger$ \\" in latex
    assert r" & x & $-$0.010 & {}[$-$0.2, $+$0.1] \\" in latex
    assert r"5 \% of \#1 \{x\} \textasciitilde{} \textasciicircum{} \$ \textbackslash{}" in latex
    assert r"\caption{A title}" in latex
    for left, right in ((r"\begin{table}", r"\end{table}"), (r"\begin{tabular}", r"\end{tabular}"), ("{", "}")):
        assert latex.replace(r"\{", "").replace(r"\}", "").count(left) == latex.replace(r"\{", "").replace(
            r"\}", ""
        ).count(right)
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule") == 1


def test_latex_of_the_usual_font_encoding_has_no_double_quote() -> None:
    assert escape_latex('level "x"') == "level ''x''"


def test_only_signs_of_numbers_are_mathematics() -> None:
    assert escape_latex("lr=1e-4, a-b, -4, cross-entropy") == "lr=1e-4, a-b, $-$4, cross-entropy"
