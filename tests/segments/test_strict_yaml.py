"""A segment file is read as it is written: no silent winners, no surprise types, no bombs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audience.core.errors import DeclarationError
from audience.segments.strict_yaml import MAX_DEPTH, read_yaml


def refused(text: str) -> str:
    with pytest.raises(DeclarationError) as caught:
        read_yaml(text)
    return str(caught.value)


def test_mappings_lists_and_plain_values_are_read() -> None:
    text = """
    name: vip
    expect: {size: {between: [1, 20]}, overlap_below: 0.5}
    members:
      all:
        - is_customer: true
        - country:
    """
    assert read_yaml(text) == {
        "name": "vip",
        "expect": {"size": {"between": [1, 20]}, "overlap_below": 0.5},
        "members": {"all": [{"is_customer": True}, {"country": None}]},
    }


def test_norway_is_not_false() -> None:
    assert read_yaml("[DE, NO, ON, yes, off, Y]") == ["DE", "NO", "ON", "yes", "off", "Y"]


def test_leading_zeros_and_times_are_texts() -> None:
    assert read_yaml("[010, 1:30, 0x1F, 2026-11-20, 1_000, .inf, .nan]") == [
        "010", "1:30", "0x1F", "2026-11-20", "1_000", ".inf", ".nan",
    ]  # fmt: skip


def test_quoted_values_are_always_texts() -> None:
    assert read_yaml("""["1", 'true', "null", ""]""") == ["1", "true", "null", ""]


def test_numbers_keep_their_kind() -> None:
    numbers = read_yaml("[0, -7, 99.99, 1e3]")
    assert numbers == [0, -7, 99.99, 1000.0]
    assert isinstance(numbers, list)
    assert [type(n) for n in numbers] == [int, int, float, float]


def test_a_number_of_5000_digits_is_a_text() -> None:
    assert read_yaml("9" * 5000) == "9" * 5000


def test_a_key_that_stands_twice_is_refused() -> None:
    assert refused("title: a\nwhy: b\ntitle: c") == "line 3: found the key 'title' a second time"


def test_a_key_that_stands_twice_deep_inside_is_refused() -> None:
    assert refused("a: [{b: {c: 1, c: 2}}]") == "line 1: found the key 'c' a second time"


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]" for i in range(20)
    )
    assert refused(bomb) == "line 1: found the anchor &a, expected none"


def test_an_alias_is_refused() -> None:
    assert refused("a: *b") == "line 1: found the alias *b, expected the value itself"


def test_a_tag_that_names_code_is_refused() -> None:
    assert "found the tag" in refused("a: !!python/object/apply:os.system ['true']")


def test_a_merge_key_is_only_a_key() -> None:
    assert read_yaml("{<<: {a: 1}}") == {"<<": {"a": 1}}


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000])
def test_ten_thousand_levels_are_refused_without_recursion(text: str) -> None:
    assert refused(text) == f"line 1: found more than {MAX_DEPTH} levels, expected fewer"


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    assert refused("#" * (256 * 1024 + 1)) == "line 1: found a file of more than 256 KiB, expected a segment"


def test_two_documents_are_refused() -> None:
    assert refused("a: 1\n---\nb: 2") == "line 2: found a second document, expected one"


def test_a_list_as_key_is_refused() -> None:
    assert refused("? [a, b]\n: 1") == "line 1: found a key that is a list or a mapping, expected a name"


@pytest.mark.parametrize("value", [r'"\0"', r'"\x1b"', r'"\ud800"'])
def test_what_no_database_can_keep_is_refused(value: str) -> None:
    assert refused(f"a: {value}") == "line 1: found a control character, expected text"


def test_broken_yaml_is_refused_with_its_line() -> None:
    assert refused("a: 1\nb: [1, 2").startswith("line 2: not YAML: ")


def test_an_empty_file_is_nothing() -> None:
    assert read_yaml("") is None
    assert read_yaml("# only a comment\n") is None


@given(st.text(alphabet=st.sampled_from("ab:-?[]{},&*!|>'\"%@`# \n\t0123.\\x\0é\U0001f600"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_yaml(text)
    except DeclarationError as error:
        assert error.place.startswith("line ")
