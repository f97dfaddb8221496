"""What every store must hold, whatever it keeps its rows in.

A *home* is one place where a store lies; its ``medium()`` opens it as another process would. In a test::

    from footloom.testing.store_contract import CHECKS, check


    @pytest.mark.parametrize("name", CHECKS)
    def test_contract(name, tmp_path):
        check(name, lambda: Folder(tmp_path / "store"))

`check` raises `AssertionError` with what differs. Some checks cut the power before every write of what is done.
"""

from __future__ import annotations

from collections.abc import Callable

from footloom.testing._store_cuts import (
    a_cut_while_compacting_loses_and_doubles_nothing,
    a_cut_while_importing_closes_no_gap_without_its_rows,
    a_cut_while_importing_leaves_the_old_or_the_new,
    a_cut_while_removing_removes_all_or_nothing,
    a_cut_while_sealing_loses_and_doubles_nothing,
)
from footloom.testing._store_imports import (
    a_transaction_is_kept_or_not,
    an_import_twice_changes_nothing,
    files_without_ids_that_overlap_are_refused,
    gaps_are_told_until_they_heal,
    windows_around_a_recording_may_be_filled,
)
from footloom.testing._store_kinds import (
    a_reader_goes_on_while_parts_are_replaced,
    a_tape_is_removed_with_all_that_is_known_of_it,
    coverage_says_what_is_there,
    coverage_tells_other_rows_apart,
    definitions_hold_from_their_dates,
    notes_are_replaced_whole,
    one_writes_and_any_number_read,
    other_grids_are_read_on_their_common_one,
    series_and_snapshots_are_kept_in_the_order_of_receipt,
    texts_are_kept_as_they_came,
    unreadable_frames_are_kept_and_bounded,
    what_is_no_whole_tape_is_no_coverage,
)
from footloom.testing._store_live import (
    a_commit_is_whole_or_nothing,
    a_day_comes_back_as_it_came_in,
    each_row_is_there_once_and_in_order,
    what_is_appended_is_durable_and_numbered,
    what_was_asked_for_is_all_that_is_read,
)
from footloom.testing._store_sample import Home

__all__ = ("CHECKS", "Home", "check")

CHECKS: dict[str, Callable[[Home], None]] = {
    one.__name__: one
    for one in (
        what_is_appended_is_durable_and_numbered,
        a_commit_is_whole_or_nothing,
        a_day_comes_back_as_it_came_in,
        each_row_is_there_once_and_in_order,
        what_was_asked_for_is_all_that_is_read,
        an_import_twice_changes_nothing,
        files_without_ids_that_overlap_are_refused,
        windows_around_a_recording_may_be_filled,
        a_transaction_is_kept_or_not,
        gaps_are_told_until_they_heal,
        series_and_snapshots_are_kept_in_the_order_of_receipt,
        what_is_no_whole_tape_is_no_coverage,
        definitions_hold_from_their_dates,
        other_grids_are_read_on_their_common_one,
        coverage_says_what_is_there,
        coverage_tells_other_rows_apart,
        a_tape_is_removed_with_all_that_is_known_of_it,
        one_writes_and_any_number_read,
        a_reader_goes_on_while_parts_are_replaced,
        a_cut_while_sealing_loses_and_doubles_nothing,
        a_cut_while_compacting_loses_and_doubles_nothing,
        a_cut_while_importing_leaves_the_old_or_the_new,
        a_cut_while_importing_closes_no_gap_without_its_rows,
        a_cut_while_removing_removes_all_or_nothing,
        unreadable_frames_are_kept_and_bounded,
        notes_are_replaced_whole,
        texts_are_kept_as_they_came,
    )
}


def check(name: str, home: Home) -> None:
    """Run one check over an empty home.

    Raises
    ------
    AssertionError
        The store does not do what it should.
    """
    CHECKS[name](home)
