"""Who is told how work gets on."""

from supernet_bench.core.progress import SILENT, Part, Shares, Silent, showing, shown


def test_a_part_is_called_by_its_name_unless_there_are_words() -> None:
    assert str(Part("a1b2")) == "a1b2"
    assert str(Part("a1b2", "seed 3")) == "seed 3"


def test_shares_are_told_when_they_are_noticeable() -> None:
    told: list[float] = []
    shares = Shares(200, told.append, noticeable=4)
    for _ in range(200):
        shares.add(1)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_who_is_told_of_downloads_is_so_within_the_block() -> None:
    watch = Silent()
    assert shown() is SILENT
    with showing(watch):
        assert shown() is watch
    assert shown() is SILENT
