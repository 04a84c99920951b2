"""What is tried in which order, how long it takes, and how the command line says it."""

from __future__ import annotations

import pytest
from bench import cold_paths
from bench.__main__ import ESTIMATES_S
from bench.args import FULL, QUICK, parse, plan_of, server_args_of
from bench.replay.outcomes import UNFORESEEN, Load
from bench.replay.plan import ReplayPlan, estimated_s, groups, next_try, served, tokens_for, turns, worthwhile


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


def test_text_that_nobody_foresees_is_typed_as_often_as_prose_by_one_writer_and_by_eight() -> None:
    unforeseen = {
        load.writers: rounds for group in groups(FULL) for load, rounds in group.loads if load.text != "prose"
    }
    assert unforeseen == {1: FULL.rounds, 8: FULL.rounds}


def test_servers_that_keep_no_texts_are_tried_once_at_the_base_with_both_texts() -> None:
    for group in groups(FULL):
        tried = [
            (load, number)
            for load, rounds in group.loads
            for number in range(rounds)
            if worthwhile(FULL, load, number, keeps_texts=False)
        ]
        assert [number for _, number in tried] == [0] * len(tried)
        assert {load.text for load, _ in tried} <= {"prose", UNFORESEEN}
        assert all(load.context == 300 and load.gap_ms == 200 for load, _ in tried)


@pytest.mark.parametrize(("plan", "at", "minutes"), [(FULL, 0, 35), (QUICK, 1, 7)])
def test_all_of_it_is_expected_to_take_as_long_as_is_promised(plan: ReplayPlan, at: int, minutes: float) -> None:
    quick = plan is QUICK
    servers = [(1 << 20, True)] * 2 + ([] if quick else [(8, False)] * 2)  # the others only without --quick
    expected_s = estimated_s(plan, servers) + cold_paths.estimated_s([keeps for _, keeps in servers], quick)
    expected_s += sum(estimates[at] for estimates in ESTIMATES_S.values())
    assert expected_s < 60 * minutes


def test_servers_have_room_for_the_longest_text_of_a_group() -> None:
    for group in groups(FULL):
        longest = max(load.context for load, _ in group.loads)
        assert group.context_tokens * 4 > longest + 200
        assert group.context_tokens == tokens_for(FULL, [load for load, _ in group.loads])


def test_servers_take_turns_and_swap_places() -> None:
    plan = ReplayPlan(writers=(1,), gaps_ms=(200,), contexts=(300,), clients=("plain",), rounds=3)
    (group,) = groups(plan)
    order = [server for _, _, server in turns(group, ["a", "b"])]
    assert order == [*"abba", *"baab", *"abba"], "prose and what nobody foresees, in each round"
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
    args = parse(["replay", "--writers", "1,8", "--gap", "120", "--client", "clever", "--no-others"])
    plan = plan_of(args)
    assert args.only == ["replay"]
    assert plan == ReplayPlan((1, 8), (120,), FULL.contexts, ("clever",), FULL.seconds, FULL.rounds)
    assert not server_args_of(args).others
    assert plan_of(parse(["--quick"])) == QUICK


@pytest.mark.parametrize(
    "wrong", [["sooner"], ["--writers", "0"], ["--client", "sly"], ["--llama-server", "/nowhere/llama-server"]]
)
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(wrong)
