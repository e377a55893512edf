"""The promises of docs/format.md, and for each the tests that try to break it.

An index: it fails when a test that it names is gone, so that a promise is never kept by
a test that nobody has any more.
"""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent

PROMISES = {
    "1 an acknowledged write survives kill -9 and power loss": [
        "crash/test_crash_calls.py::test_every_call_of_the_backend",
        "crash/test_crash_calls.py::test_every_step_of_a_put",
        "crash/test_crash_calls.py::test_a_crash_while_a_store_is_made_leaves_none_or_a_whole_one",
        "crash/test_crash_kill.py::test_twenty_kills_lose_nothing_that_was_acknowledged",
        "store/test_store_adversity.py::"
        "test_a_store_made_anew_under_an_open_handle_keeps_what_is_saved",
        "store/test_store_adversity.py::test_packs_restored_from_an_older_copy_keep_what_is_saved",
        "store/test_store_adversity.py::test_a_store_that_is_gone_takes_nothing",
    ],
    "2 a reader never sees half a write": [
        "crash/test_crash_calls.py::test_every_call_of_the_backend",
        "store/test_store_batch.py::test_a_batch_that_raises_stores_nothing",
        "store/test_store_batch.py::test_a_batch_larger_than_a_pack_spans_several_and_is_atomic",
        "store/test_store_batch.py::test_a_large_batch_that_fails_late_leaves_garbage_only",
        "crash/test_corruption.py::test_a_pack_that_moves_while_it_is_read_is_looked_up_again",
    ],
    "3 no lock is needed to add a run, and N writers lose nothing": [
        "store/test_store_session.py::test_threads_share_packs_and_lose_nothing",
        "store/test_store_session.py::test_processes_lose_nothing",
        "store/test_store_session.py::test_sixteen_processes_of_a_hundred_saves_lose_nothing",
        "store/test_store_session.py::test_one_bad_run_does_not_fail_those_that_wait_with_it",
        "store/test_store_session.py::"
        "test_a_request_that_a_dead_leader_took_along_is_not_acknowledged",
        "store/test_store_session.py::"
        "test_children_forked_while_threads_work_do_not_wait_for_their_locks",
        "store/test_store_pointers.py::test_many_writers_make_one_chain",
        "simulation/test_writers.py::"
        "test_sixty_four_writers_of_fifty_saves_lose_nothing_and_refuse_nothing",
        "simulation/test_lost_answers.py::test_ten_thousand_lost_answers_and_no_false_conflict",
    ],
    "4 a flipped bit is found and named, and the rest stays readable": [
        "crash/test_corruption.py::test_a_flipped_bit_is_found_named_and_contained",
        "crash/test_corruption.py::test_a_pack_cut_short_is_found_and_the_rest_goes_on",
        "crash/test_corruption.py::test_a_pack_with_anothers_bytes_is_found",
        "crash/test_corruption.py::test_a_run_whose_environment_vanished_is_reported",
        "crash/test_corruption.py::test_a_file_whose_chunk_vanished_is_reported",
        "crash/test_corruption.py::test_a_damaged_catalog_is_made_anew_without_a_word",
        "store/test_store_adversity.py::test_a_pack_that_cannot_be_read_stops_only_its_runs",
        "store/test_store_pointers.py::test_a_damaged_baseline_file_stops_nothing_else",
    ],
    "5 bad input gets a clear error and changes nothing": [
        "store/test_store_writing.py::test_an_id_that_could_leave_the_store_changes_nothing",
        "store/test_store_writing.py::"
        "test_a_field_that_cannot_be_stored_is_named_and_nothing_changes",
        "store/test_store_writing.py::test_a_file_that_is_no_result_changes_nothing",
        "store/test_store_reading.py::test_a_name_that_no_run_can_have_is_not_found_or_refused",
        "crash/test_corruption.py::test_a_damaged_config_is_named_before_anything_is_stored",
        "crash/test_no_room.py::test_a_full_disk_is_said_and_loses_nothing",
        "crash/test_no_room.py::test_writing_to_a_read_only_folder_is_refused_clearly",
    ],
    "6 nothing read can write outside, run code or exhaust memory": [
        "store/test_store_writing.py::test_attachment_names_are_data_and_never_paths",
        "store/test_store_writing.py::"
        "test_a_views_folder_that_is_a_link_is_a_warning_and_nothing_leaves",
        "crash/test_corruption.py::test_links_in_the_store_lead_nowhere",
        "crash/test_corruption.py::test_a_catalog_behind_a_link_is_left_alone",
        "crash/test_corruption.py::test_a_giant_file_under_a_packs_name_is_not_read_into_memory",
        "crash/test_corruption.py::test_a_frame_that_claims_gigabytes_is_refused",
        "crash/test_corruption.py::test_a_hostile_pack_stops_nothing_and_writes_nothing_outside",
        "crash/test_corruption.py::test_a_hostile_run_object_stops_nothing",
        "store/test_store_adversity.py::test_large_runs_are_read_a_few_at_a_time",
    ],
    "7 every format version ever written stays readable": [
        "golden/test_golden.py::test_every_answer_is_as_it_was_and_nothing_is_touched",
        "golden/test_golden.py::test_it_can_be_written_to",
        "formats/test_golden_vectors.py::test_runs_are_read_from_the_literal_bytes",
        "formats/test_golden_vectors.py::test_a_pack_that_was_made_once_is_read",
        "store/test_store_base.py::test_a_store_file_of_another_kind_is_refused_by_name",
        "crash/test_corruption.py::test_a_pack_of_a_newer_format_is_refused_with_its_name",
    ],
}


def names_of_tests(file):
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_has_the_tests_it_names(promise):
    assert PROMISES[promise]
    for test in PROMISES[promise]:
        path, name = test.split("::")
        assert name in names_of_tests(HERE / path), test


def test_the_promises_are_those_of_the_design():
    assert [name[0] for name in PROMISES] == list("1234567")
