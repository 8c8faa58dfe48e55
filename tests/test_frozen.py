"""The house's frozen classes behave as the standard library's do."""

import copy
import pickle
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from typing import Any

import pytest

from relight.frozen import frozen


@frozen
class Base:
    """What others begin with."""

    at: int


@frozen
class Slotted(Base):
    """With slots."""

    name: str = ""
    found: dict[str, int] = field(default_factory=dict)


@frozen(slots=False)
class Open:
    """Without slots."""

    at: int
    name: str = ""
    found: Any = field(default_factory=dict)


@frozen
class Empty:
    """Without anything."""


BOTH = pytest.mark.parametrize("cls", [Slotted, Open])


@BOTH
def test_fields_have_their_defaults(cls: Any) -> None:
    """What is not given is the default, and a container is each one's own."""
    one, other = cls(at=1), cls(at=1)
    assert (1, "", {}) == (one.at, one.name, one.found)
    assert one.found is not other.found
    assert {"a": 1} == cls(at=1, found={"a": 1}).found


@BOTH
def test_equal_means_the_same_class_and_the_same_fields(cls: Any) -> None:
    """Two are equal, and hash alike, when class and fields are."""
    assert cls(at=1) == cls(at=1)
    assert cls(at=1) != cls(at=2)
    assert cls(at=1) != Base(at=1)
    assert cls(at=1) != 1
    assert 1 == len({cls(at=1, found=()), cls(at=1, found=())})


def test_what_cannot_be_hashed_inside_cannot_be_outside() -> None:
    """A field that has no hash gives the whole none."""
    with pytest.raises(TypeError, match="unhashable type: 'dict'"):
        hash(Slotted(at=1))


@BOTH
def test_it_is_shown_as_it_is_made(cls: Any) -> None:
    """The representation is the call that makes it; one that holds itself still ends."""
    assert f"{cls.__name__}(at=1, name='x', found={{}})" == repr(cls(at=1, name="x"))
    whole = cls(at=1)
    whole.found["self"] = whole
    assert f"{cls.__name__}(at=1, name='', found={{'self': ...}})" == repr(whole)


@BOTH
def test_nothing_can_be_changed(cls: Any) -> None:
    """Fields can be neither set nor deleted, and there are no others."""
    one = cls(at=1)
    with pytest.raises(FrozenInstanceError, match=f"cannot change 'at' of a {cls.__name__}"):
        one.at = 2
    with pytest.raises(FrozenInstanceError, match="cannot change 'more'"):
        one.more = 2
    with pytest.raises(FrozenInstanceError, match="cannot change 'name'"):
        del one.name
    assert cls(at=1) == one


def test_slots_are_as_said() -> None:
    """A slotted one has no dictionary, the other has."""
    assert not hasattr(Slotted(at=1), "__dict__")
    assert {"at": 1, "name": "", "found": {}} == vars(Open(at=1))


@BOTH
@pytest.mark.parametrize("times", [0, 1])
@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "missing 1 required keyword-only argument: 'at'"),
        ({"at": 1, "nmae": ""}, "got an unexpected keyword argument 'nmae'"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(cls: Any, times: int, given: dict[str, Any], complaint: str) -> None:
    """A missing and an unknown field are named, in the first call and in every other."""
    fresh: Any = frozen(type(cls.__name__, (), {"__annotations__": {"at": int}, "__doc__": "Fresh."}))
    for _ in range(times):
        fresh(at=1)
    with pytest.raises(TypeError) as caught:
        fresh(**given)
    assert f"{cls.__name__}.__init__() {complaint}" == str(caught.value)


def test_fields_are_given_by_keyword() -> None:
    """By position none can be given, and none is matched."""
    with pytest.raises(TypeError):
        Slotted(1)  # type: ignore[call-arg]
    match Slotted(at=1, name="x"):
        case Slotted(at=1, name=name):
            assert "x" == name
        case _:
            pytest.fail("it does not match")


@BOTH
def test_the_standard_library_knows_it(cls: Any) -> None:
    """It is a dataclass for those who ask, and can be replaced, copied and pickled."""
    one = cls(at=1, found={"a": [1]})
    assert ["at", "name", "found"] == [part.name for part in fields(cls)]
    assert cls(at=2, found={"a": [1]}) == replace(one, at=2)
    deep, shallow, pickled = copy.deepcopy(one), copy.copy(one), pickle.loads(pickle.dumps(one))
    assert one == deep == shallow == pickled
    assert deep.found is not one.found
    assert shallow.found is one.found
    assert is_dataclass(cls)


def test_one_without_fields() -> None:
    """No fields are also fields."""
    assert Empty() == copy.copy(Empty())
    assert "Empty()" == repr(Empty())
