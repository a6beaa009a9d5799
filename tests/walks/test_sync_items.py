"""What a tolerant client must cope with, items 26 to 60 and 62: which tests show each.

What is not shown in another room is walked in the five files `test_sync_items_*.py` beside this one, with the whole
program against the sandbox, two nights or more. Items 1 to 25 and 61 are in `test_items.py`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
WALKS = ("searching", "changes", "resources", "attachments", "limits")

PROOFS: dict[int, str] = {
    26: """sync/test_learn.py::test_a_refusal_that_names_what_it_wants_is_asked_with_all_the_values_there_are
           sync/test_learn.py::test_what_worked_instead_is_asked_at_once_next_time
           sync/test_pull.py::test_a_refusal_that_names_what_is_missing_is_tried_with_it_and_remembered
           fhir/test_wanted.py::test_recorded_refusals_say_what_they_want""",
    27: """sync/test_learn.py::test_one_part_of_a_cut_is_not_cut_again
           sync/test_learn.py::test_a_refused_part_says_nothing_about_the_whole_unless_all_parts_are_refused""",
    28: """sync/test_learn.py::test_a_type_that_is_not_to_be_had_is_remembered_with_its_reason_for_a_month
           sync/test_learn.py::test_a_refusal_that_does_not_say_why_is_asked_again_within_a_week
           sync/test_pull.py::test_a_type_that_is_not_to_be_had_is_remembered_named_and_asked_again_later
           fhir/test_client.py::test_a_401_web_page_for_a_token_that_works_elsewhere_refuses_only_this_type
           fhir/test_outcome.py::test_the_shape_of_a_refusal""",
    29: """sync/test_plan.py::test_every_type_that_a_person_names_is_asked_or_named
           sync/test_plan.py::test_a_profile_knows_what_a_server_does_not_declare_about_provenance
           sync/test_plan.py::test_where_nobody_says_anything_all_of_the_compartment_is_asked_and_nothing_is_promised""",
    30: """fhir/test_search.py::test_a_server_that_does_not_know_count_is_asked_without_it
           fhir/test_search.py::test_a_refusal_is_asked_again_without_count_where_that_may_help
           sync/test_pull.py::test_a_size_that_the_server_does_not_take_is_not_sent_again""",
    31: """fhir/test_links.py::test_next_links_lead_to_the_known_server
           fhir/test_links.py::test_next_links_that_cannot_be_brought_home_are_not_followed
           fhir/test_links.py::test_whatever_a_link_says_the_next_address_is_on_the_origin_of_the_base
           fhir/test_search.py::test_a_next_link_to_a_stranger_is_named_and_never_asked""",
    32: """fhir/test_search.py::test_a_next_link_that_leads_back_ends_the_search_with_a_problem
           fhir/test_search.py::test_too_many_pages_end_the_search_with_a_problem
           fhir/test_search.py::test_pages_without_end_that_bring_nothing_new_are_left
           fhir/test_search.py::test_an_expired_next_link_starts_the_search_over_once
           sync/test_pull.py::test_a_dead_link_begins_that_search_anew""",
    33: """fhir/test_search.py::test_a_shortfall_is_named_but_known
           fhir/test_search.py::test_why_a_search_proves_nothing_by_what_it_left_out
           sync/test_absence.py::test_doubtful_passes_delete_nothing""",
    34: """fhir/test_search.py::test_a_page_that_nobody_linked_is_looked_for_where_pages_are_counted
           fhir/test_search.py::test_a_page_that_was_only_guessed_may_be_missing
           fhir/test_search.py::test_nothing_is_guessed_where_there_is_no_reason_to""",
    35: """fhir/test_bundle.py::test_of_two_versions_on_one_page_the_newer_is_kept_else_the_last
           sync/test_pull.py::test_the_same_id_on_two_pages_keeps_the_later_version_and_counts_once
           store/test_changes.py::test_of_one_id_twice_in_a_batch_the_newest_wins""",
    36: """fhir/test_bundle.py::test_one_bad_entry_becomes_one_problem_and_the_rest_is_kept
           fhir/test_bundle.py::test_a_bare_resource_is_a_page_of_one
           fhir/test_bundle.py::test_a_bare_error_with_status_200_is_not_a_known_problem
           fhir/test_bundle.py::test_split_reads_bundles_of_every_type
           fhir/test_bundle.py::test_a_missing_id_comes_from_the_full_url""",
    37: "fhir/test_bundle.py::test_server_remarks_inside_a_page_are_known_problems",
    38: """sync/test_plan.py::test_only_what_changed_is_asked_for_where_the_server_has_proved_that_it_tells
           sync/test_plan_vendors.py::test_the_lower_case_of_epic_is_kept
           sync/test_pull.py::test_after_thirty_days_everything_is_asked_for_again
           sync/test_learn.py::test_what_had_to_be_left_away_is_learned""",
    39: "sync/test_pull.py::test_the_same_id_on_two_pages_keeps_the_later_version_and_counts_once",
    40: """sync/test_pull.py::test_everything_leaves_out_what_is_of_others_and_says_so
           sync/test_pull.py::test_everything_that_is_refused_gives_way_to_searches
           sync/test_plan.py::test_everything_is_asked_where_the_profile_trusts_it_and_types_it_left_out_one_by_one""",
    41: """fhir/test_bundle.py::test_ids_are_opaque_text_and_numbers_are_read_as_text
           store/test_changes.py::test_ids_are_opaque
           fhir/test_client.py::test_read_gives_a_page_of_one_and_quotes_odd_ids""",
    42: """store/test_changes.py::test_what_is_volatile_is_no_change_and_makes_no_version
           store/test_resources.py::test_only_new_meta_is_no_update_but_the_newest_bytes_are_kept
           fhir/test_read.py::test_content_hash_ignores_the_signature_of_a_signed_address""",
    43: """store/test_changes.py::test_only_what_can_be_read_here_is_wanted
           sync/test_follow.py::test_what_cannot_be_followed_is_not
           sync/test_follow.py::test_a_versioned_reference_leads_to_the_resource_itself
           sync/test_follow.py::test_of_several_the_missing_ones_are_asked_by_themselves_and_say_why""",
    44: "records/test_medications.py::test_the_drug_may_be_contained",
    45: """store/test_tombstones.py::test_each_type_says_entered_in_error_in_its_own_place
           store/test_tombstones.py::test_what_was_current_is_gone_once_and_keeps_its_bytes_history_and_tags
           sync/test_absence.py::test_entered_in_error_is_withdrawn_and_counted_once""",
    46: """sync/test_absence.py::test_only_a_word_about_the_address_makes_a_tombstone
           sync/test_absence.py::test_a_404_for_everything_says_nothing
           sync/test_pull.py::test_a_merged_patient_is_followed_remembered_and_named
           sync/test_pull.py::test_a_merge_that_cannot_be_read_changes_nothing""",
    47: """fhir/test_bundle.py::test_json_that_strict_parsers_refuse_keeps_its_bytes
           fhir/test_bundle.py::test_a_byte_order_mark_is_not_part_of_the_record
           fhir/test_lenient.py::test_of_duplicate_keys_the_last_one_counts
           records/test_totality.py::test_junk_in_any_element_never_raises""",
    48: "fhir/test_client.py::test_json_is_read_under_any_label",
    49: """fhir/test_search.py::test_every_request_carries_accept_and_bearer
           fhir/test_client.py::test_final_answers_are_refused_at_once_with_their_status""",
    50: """fhir/test_binary.py::test_the_bearer_goes_only_to_documents_on_the_own_origin
           sync/test_attachments.py::test_the_bearer_goes_to_its_own_origin_and_nowhere_else
           sync/test_attachments.py::test_a_redirect_to_another_server_takes_no_bearer_along
           sync/test_attachments.py::test_damaged_base64_is_named_and_the_rest_is_kept""",
    51: """sync/test_attachments.py::test_the_accepted_type_is_the_attachments_own_and_fhir_json_the_second
           fhir/test_binary.py::test_a_server_that_refuses_the_format_is_asked_for_the_wrapper""",
    52: """sync/test_attachments.py::test_a_document_made_anew_each_night_is_one_version
           sync/test_attachments.py::test_try_tomorrow_ends_the_documents_of_this_run_and_blames_none""",
    53: "sync/test_attachments.py::test_the_same_bytes_are_kept_once_and_the_same_binary_id_is_not_trusted",
    54: """sync/test_attachments.py::test_a_stream_of_150_mb_is_refused_at_the_cap_without_taking_memory
           sync/test_attachments.py::test_a_run_that_is_stopped_leaves_the_rest_for_the_next""",
    55: """fhir/test_asking.py::test_retry_after_in_all_its_spellings
           fhir/test_asking.py::test_an_absurd_wait_is_waited_for_once_and_then_told
           fhir/test_pace.py::test_minutes_are_those_of_the_clock
           fhir/test_pace.py::test_what_a_server_says_of_its_limits_is_heard""",
    56: """walks/test_bad_days.py::test_a_random_bad_day_comes_right
           fhir/test_client.py::test_trouble_that_stays_is_unreachable_after_the_last_try
           fhir/test_transport_tls.py::test_a_certificate_that_is_not_right_is_refused_in_a_patients_words""",
    57: """fhir/test_asking.py::test_a_500_that_says_the_same_twice_is_final
           sync/test_follow.py::test_a_500_that_comes_again_is_one_that_stays""",
    58: """sync/test_side_by_side.py::test_a_hanging_and_a_throttling_server_do_not_hold_up_three_others
           fhir/test_bounds.py::test_a_server_that_drips_is_left_after_a_while""",
    59: """fhir/test_client.py::test_redirects_elsewhere_are_refused_and_never_asked
           fhir/test_links.py::test_redirects_stay_on_the_origin_and_never_lose_https""",
    60: """sync/test_resume.py::test_ten_interruptions_leave_no_trace
           walks/test_interrupted.py::test_the_next_sync_completes_what_a_killed_one_began
           sync/test_pull.py::test_the_next_run_goes_on_from_the_next_link_and_does_not_ask_what_has_ended""",
    62: "sync/test_pull.py::test_late_arrivals_with_an_old_date_come_with_the_next_full_pass",
}
"""Number of the item to tests of other rooms that show it, below `tests`. The walks bear its number in their names."""


def functions(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_item_is_shown_by_tests_that_are_there() -> None:
    assert set(PROOFS) == {*range(26, 61), 62}
    named = {word for tests in PROOFS.values() for word in tests.split()}
    there = {file: functions(file) for file in {word.partition("::")[0] for word in named}}
    missing = {word for word in named if word.partition("::")[2] not in there[word.partition("::")[0]]}
    assert missing == set()


def test_every_item_is_walked() -> None:
    walks = {name for theme in WALKS for name in functions(f"walks/test_sync_items_{theme}.py")}
    walked = {int(found[1]) for name in walks if (found := re.match(r"test_(\d+)_", name))}
    assert walked == set(PROOFS)
