"""What is run in which order, and how the command line says it."""

from __future__ import annotations

import pytest
from bench.arguments import FULL, QUICK, named_of, parse, wishes_of
from bench.replay.plan import Wishes, groups, next_try, served, tokens_for, turns
from bench.replay.tally import Load


def test_every_number_of_writers_types_at_the_base() -> None:
    planned = groups(FULL)
    assert [group.writers for group in planned] == [1, 4, 8, 16, 32, 64]
    for group in planned:
        assert group.loads[0] == (Load(group.writers, 300, 200, "plain"), FULL.rounds)


def test_each_further_gap_client_and_context_is_tried_somewhere() -> None:
    loads = [load for group in groups(FULL) for load, _ in group.loads]
    assert len(loads) == len(set(loads))
    assert {load.writers for load in loads if load.gap_ms == 120} == {1, 8}
    assert {load.writers for load in loads if load.client == "clever"} == {1, 8}
    assert {load.context for load in loads if load.writers == 1} == set(FULL.contexts)
    assert all(load.writers == 1 for load in loads if load.context != 300)


def test_servers_have_room_for_the_longest_text_of_a_group() -> None:
    for group in groups(FULL):
        longest = max(load.context for load, _ in group.loads)
        assert group.context_tokens * 4 > longest + 200
        assert group.context_tokens == tokens_for(FULL, [load for load, _ in group.loads])


def test_servers_take_turns_and_swap_places() -> None:
    requests = Wishes(writers=(1,), gaps_ms=(200,), contexts=(300,), clients=("plain",), rounds=3)
    (group,) = groups(requests)
    order = [server for _, _, server in turns(group, ["a", "b"])]
    assert order == ["a", "b", "b", "a", "a", "b"]
    full = turns(groups(FULL)[0], ["a", "b"])
    for load, rounds in groups(FULL)[0].loads:
        for server in ("a", "b"):
            assert sum(one == (number, load, server) for one in full for number in range(rounds)) == rounds


def test_a_server_serves_as_many_writers_as_it_and_all_fewer_were_served() -> None:
    assert served({1: True, 4: True, 8: False, 16: True}) == 4
    assert served({1: False, 4: True}) == 0
    assert served({1: True, 4: True}) == 4


@pytest.mark.parametrize("truth", [1, 2, 3, 5, 7, 9, 13, 31, 50, 63])
def test_the_search_closes_in_on_the_number_of_writers_served(truth: int) -> None:
    known = {writers: writers <= truth for writers in (1, 4, 8, 16, 32, 64)}
    for _ in range(10):
        writers = next_try(known)
        if writers is None:
            break
        assert writers not in known
        known[writers] = writers <= truth
    assert next_try(known) is None
    assert served(known) <= truth <= max(served(known) + 1, 1.25 * served(known))


def test_there_is_nothing_to_search_where_all_or_none_are_served() -> None:
    assert next_try({1: True, 8: True}) is None
    assert next_try({1: False, 8: False}) is None
    assert next_try({}) is None


def test_lists_on_the_command_line() -> None:
    given = parse(["replay", "--writers", "1,8", "--gap", "120", "--client", "clever", "--no-others"])
    requests = wishes_of(given)
    assert given.only == ["replay"]
    assert requests == Wishes((1, 8), (120,), FULL.contexts, ("clever",), FULL.seconds, FULL.rounds)
    assert not named_of(given).others
    assert wishes_of(parse(["--quick"])) == QUICK


@pytest.mark.parametrize(
    "wrong", [["sooner"], ["--writers", "0"], ["--client", "sly"], ["--llama-server", "/nowhere/llama-server"]]
)
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(wrong)
