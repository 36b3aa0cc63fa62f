//! What every store must do: one named test per promise, run by every adapter.
//!
//! An adapter's whole test is `store::conformance!(open())`, where `open()` is a future of a store
//! that nothing has been kept in. The adapter's crate brings tokio's test attribute.

pub mod append;
pub mod blocks;
pub mod directory;
pub mod edits;
pub mod evictions;
pub mod inbox;
pub mod lists;
pub mod queue;
pub mod registry;

use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Draft, Kind, MessageId, Seq, Timestamp, UserId,
};

use crate::blocks::Blocks;
use crate::connections::Connections;
use crate::directory::{Claims, Directory};
use crate::focuses::Focuses;
use crate::inbox::Inboxes;
use crate::meta::Metas;
use crate::timelines::Timelines;

/// All ports of one store.
pub trait Store:
    Timelines + Inboxes + Connections + Directory + Claims + Focuses + Metas + Blocks
{
}

impl<S> Store for S
where
    S: Timelines + Inboxes + Connections + Directory,
    S: Claims + Focuses + Metas + Blocks,
{
}

/// Runs every promise against the store that `$open`, a future, gives: afresh for each.
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::conformance_promises! { $open, queue:
            a_put_never_overwrites,
            a_body_comes_back_byte_for_byte,
            a_place_that_is_free_is_empty,
            a_forward_scan_includes_its_start_and_excludes_its_end,
            a_backward_scan_includes_its_start_and_excludes_its_end,
            a_scan_keeps_order_and_count_across_pages,
            a_scan_that_goes_nowhere_is_invalid,
            latest_is_the_newest_and_nothing_at_first,
            an_update_replaces_the_body_alone,
            an_update_of_nothing_is_not_found,
            a_delete_leaves_a_tombstone_whose_place_is_never_used_again,
            manual_sequences_are_the_callers,
            each_mode_refuses_the_others_operation,
            a_batch_answers_for_each_in_order,
            many_are_read_at_once,
            a_place_that_is_named_twice_is_read_once,
            an_empty_part_has_no_entries
        }
        $crate::conformance_promises! { $open, append:
            numbers_begin_at_one_and_are_dense,
            a_hundred_at_once_leave_no_hole,
            a_reader_during_a_thousand_appends_skips_none,
            the_same_message_by_eight_at_once_is_one_entry,
            a_put_whose_answer_is_lost_is_one_entry,
            a_put_that_is_lost_again_and_again_is_one_entry_once_repeated,
            a_throttled_put_is_told_and_nothing_is_kept,
            a_repeat_from_base_zero_is_the_same_entry,
            a_repeat_outranks_a_stale_base,
            a_base_below_a_purged_prefix_is_stale,
            a_base_too_far_below_the_tail_is_stale,
            a_base_beyond_the_tail_is_told,
            a_lying_base_never_makes_a_hole,
            without_a_base_a_claim_keeps_it_exactly_once,
            the_same_id_with_another_content_is_a_conflict,
            the_same_id_of_another_author_is_another_message,
            prefix_counts_follow_from_the_predecessor,
            an_append_stops_at_an_entry_of_a_later_version
        }
        $crate::conformance_promises! { $open, directory:
            a_conversation_is_created_once,
            a_conversation_comes_back_as_it_was,
            a_replacement_needs_the_version_before,
            what_is_pending_is_settled_by_its_own_version,
            a_members_row_never_goes_back,
            members_are_paged_in_order,
            a_claim_keeps_its_first_base,
            focuses_are_found_by_conversation_and_by_user,
            a_focus_ends_by_its_own_connection_alone
        }
        $crate::conformance_promises! { $open, lists:
            a_users_conversations_are_paged_in_order,
            a_list_never_goes_back,
            a_read_position_never_goes_back,
            wishes_do_not_disturb_each_other,
            readings_are_paged_and_never_go_back
        }
        $crate::conformance_promises! { $open, edits:
            the_newest_edit_stands,
            a_recall_is_final,
            an_event_keeps_its_target
        }
        $crate::conformance_promises! { $open, inbox:
            positions_begin_at_one_and_are_dense,
            deliveries_at_once_leave_no_hole,
            a_delivery_repeated_is_one_entry,
            a_delivery_whose_answer_is_lost_is_one_entry,
            pages_follow_the_cursor_and_know_the_end,
            a_cursor_beyond_the_end_sees_nothing_before_it,
            the_tail_shows_the_newest,
            an_emptied_inbox_goes_on_from_its_anchor,
            the_anchor_never_goes_back,
            a_long_body_is_left_to_the_timeline
        }
        $crate::conformance_promises! { $open, registry:
            a_newer_connection_replaces_the_older,
            an_older_connection_never_replaces_the_newer,
            registering_again_is_no_error,
            devices_do_not_disturb_each_other,
            only_the_named_connection_is_removed,
            a_young_connection_is_not_removed,
            a_device_signals_no_oftener_than_it_may,
            a_registration_begins_signals_anew,
            a_user_who_is_named_twice_is_answered_once,
            meta_is_never_overwritten_silently,
            meta_is_merged_field_by_field,
            meta_is_forgotten_without_complaint
        }
        $crate::conformance_promises! { $open, evictions:
            a_registration_tells_who_else_is_registered,
            an_evicted_device_is_out_and_its_token_is_dead,
            a_newer_login_comes_back_and_clears_its_tombstone,
            a_tombstone_is_of_one_device_of_one_user,
            an_eviction_spares_a_newer_connection,
            an_eviction_of_nobody_leaves_nothing,
            evicting_again_is_the_same_answer,
            expired_tombstones_go_with_the_next_eviction,
            tombstones_are_bounded,
            an_eviction_that_knows_too_little_forgets_nothing,
            a_device_that_leaves_may_come_back_with_its_token
        }
        $crate::conformance_promises! { $open, blocks:
            a_block_comes_back_under_its_own_key,
            many_blocks_are_answered_in_order,
            a_block_is_replaced,
            long_blocks_come_back,
            no_blocks_are_no_error
        }
    };
}

/// One test per promise of one file; see [`conformance!`].
#[macro_export]
macro_rules! conformance_promises {
    ($open:expr, $file:ident: $($promise:ident),+) => {
        mod $file {
            #[allow(unused_imports, reason = "what opens a store may need nothing")]
            use super::*;
            $(
                #[tokio::test]
                async fn $promise() {
                    let store = $open.await;
                    $crate::conformance::$file::$promise(&store).await;
                }
            )+
        }
    };
}

/// The time in these tests: the year 2100, for a database that expires items does so by its own
/// clock, in the middle of a test if what the test keeps is old.
pub(crate) const NOW: Timestamp = Timestamp(4_102_444_800_123);

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a test's user id is valid")
}

pub(crate) fn tea() -> ConversationId {
    ConversationId::direct(&user("ada"), &user("bob")).expect("two different people")
}

pub(crate) fn seq(number: u64) -> Seq {
    Seq::new(number).expect("a test's sequence is small")
}

/// Message number `number` of `author`, whose id and text follow from the number.
pub(crate) fn draft(author: &str, number: u64) -> Draft {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    Draft {
        id: MessageId::from_bytes(id),
        author: user(author),
        device: DeviceId::parse("desk").expect("a valid device"),
        at: NOW.plus(number),
        kind: Kind::text(),
        version: 1,
        inbox_before: Seq::ZERO,
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        body: Body::parse(&format!(r#"{{"text":"number {number}"}}"#)).expect("a short body"),
    }
}

/// The numbers of `entries`.
pub(crate) fn numbers<'a>(entries: impl IntoIterator<Item = &'a timeline::Entry>) -> Vec<u64> {
    entries.into_iter().map(|entry| entry.seq.number()).collect()
}
