//! What happens in a world.

use engine::Command;
use timeline::{Entry, TimelineId};

use crate::machine::TaskId;

/// What happens in a world. A connection is a number that no other connection has.
#[derive(Debug)]
pub(crate) enum Event {
    /// A user wants something of a device.
    Wished(usize, Box<Wish>),
    /// A device wakes up.
    Woken(usize),
    /// A device's process dies and starts again.
    Crashed(usize),
    /// A device's handshake reaches the gateway.
    Handshake(u64),
    /// The answer to a handshake reaches the device: its status.
    Answered(u64, u16),
    /// A frame reaches the gateway.
    Up(u64, String),
    /// A frame reaches the device.
    Down(u64, String),
    /// The network drops a connection.
    Broken(u64),
    /// The device notices that its connection ended.
    Noticed(u64),
    /// The gateway notices that a connection ended.
    Ended(u64),
    /// A function is killed, if it still runs.
    Killed(TaskId),
    /// An entry shows up in the timeline's stream.
    Recorded(TimelineId, Box<Entry>),
    /// A lane of a mapping is polled.
    Polled(usize),
    /// What the stream gave up is sent again.
    Redriven,
    /// Entries of inboxes expire.
    Expired,
}

/// What a user wants.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// A message of this number, to somebody or to the group.
    Say(u64),
    /// Something of the engine.
    Do(Command),
    /// To have read some of some conversation.
    Read,
    /// To know who has read.
    Receipts,
    /// To take one of their own messages back, or to change it.
    Withdraw(u64),
    /// To be away, and back later.
    Away(u64),
}
