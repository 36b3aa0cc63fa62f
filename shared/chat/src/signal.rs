//! What a device does just now: which conversation it shows, that somebody types, and who is there.
//!
//! The messages of a large group are pushed only to the devices that show it.
//!
//! # Invariants
//!
//! * The focus is written *before* the membership is read again: of a focus and a removal, which
//!   takes the membership first and then the focuses, one sees the other.

use futures_util::future::join_all;
use push::{Notice, Push};
use store::{Connections, Conversation, Directory, Focus, Focuses, Members, Registration};
use timeline::exchange::{Caller, Signal, SignalKind, Signaled};
use timeline::{UserId, limits};

use crate::clock::Clock;
use crate::error::Error;
use crate::members;

/// What `signal` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct SignalPorts<'a> {
    /// Who is in the conversation.
    pub directory: &'a dyn Directory,
    /// Who shows a large group.
    pub focuses: &'a dyn Focuses,
    /// Who is online.
    pub connections: &'a dyn Connections,
    /// How they are told.
    pub push: &'a dyn Push,
    /// When.
    pub clock: &'a dyn Clock,
}

/// Takes a device's signal. Nothing of it is kept but a focus.
///
/// # Errors
///
/// [`Error::NotMember`] when the caller may not see the conversation or it does not exist;
/// [`Error::TooSoon`] when the device signaled a moment ago.
pub async fn signal(
    ports: SignalPorts<'_>,
    caller: &Caller,
    signal: Signal,
) -> Result<Signaled, Error> {
    let id = &signal.conversation;
    let end = ports.clock.now().plus(limits::FOCUS_MS).min(caller.expires).whole_seconds();
    let focus = Focus {
        user: caller.user.clone(),
        device: caller.device.clone(),
        connection: caller.connection.clone(),
        expires: end,
    };
    if signal.kind == SignalKind::Blur {
        let blurred = ports.focuses.blur(id, &focus).await;
        blurred.map_err(Error::store("end the focus"))?;
        return Ok(Signaled::default());
    }
    let conversation = ports.directory.conversation(id).await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    members::access(ports.directory, conversation.as_ref(), &caller.user).await?;
    let conversation = conversation.ok_or(Error::NotMember)?;
    match signal.kind {
        SignalKind::Focus | SignalKind::Blur => look(ports, caller, &conversation, focus).await,
        SignalKind::Typing => typing(ports, caller, &conversation).await,
        SignalKind::Presence => presence(ports, caller, &conversation).await,
    }
}

/// Has the device pushed the messages of a large group; those of others it is pushed anyway.
async fn look(
    ports: SignalPorts<'_>,
    caller: &Caller,
    conversation: &Conversation,
    focus: Focus,
) -> Result<Signaled, Error> {
    if matches!(conversation.members, Members::Inline(_)) {
        return Ok(Signaled::default());
    }
    let id = &conversation.id;
    let focused = ports.focuses.focus(id, &focus).await;
    focused.map_err(Error::store("write the focus"))?;
    if members::membership(ports.directory, conversation, &caller.user).await?.is_none() {
        let blurred = ports.focuses.blur(id, &focus).await;
        blurred.map_err(Error::store("end the focus"))?;
        return Err(Error::NotMember);
    }
    Ok(Signaled { until: Some(focus.expires), online: None })
}

/// The others of a conversation whose members it knows itself.
fn others(conversation: &Conversation, caller: &Caller) -> Vec<UserId> {
    let everyone = members::inline(conversation).into_iter();
    everyone.map(|(user, _)| user).filter(|user| *user != caller.user).collect()
}

/// Those of `users` who have a live device, with their devices.
async fn online(
    ports: SignalPorts<'_>,
    users: &[UserId],
) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
    let now = ports.clock.now();
    let mut found = Vec::new();
    for users in users.chunks(limits::BATCH_KEYS_MAX) {
        let listening = ports.connections.of(users).await;
        found.extend(listening.map_err(Error::store("read who listens"))?);
    }
    for (_, devices) in &mut found {
        devices.retain(|device| device.is_live(now));
    }
    found.retain(|(_, devices)| !devices.is_empty());
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// Tells the others of a conversation that is small enough.
async fn typing(
    ports: SignalPorts<'_>,
    caller: &Caller,
    conversation: &Conversation,
) -> Result<Signaled, Error> {
    let Caller { user, device, connection, .. } = caller;
    let now = ports.clock.now();
    let allowed =
        ports.connections.signals(user, device, connection, now, limits::SIGNAL_GAP_MS).await;
    if !allowed.map_err(Error::store("write the signal"))? {
        return Err(Error::TooSoon);
    }
    let others = others(conversation, caller);
    if others.len() >= limits::READ_TOLD_MAX {
        return Ok(Signaled::default());
    }
    let listening = online(ports, &others).await?;
    let devices = listening.into_iter().flat_map(|(_, devices)| devices);
    let posts: Vec<_> = devices
        .map(|device| {
            let (conversation, user) = (conversation.id.clone(), user.clone());
            let notice = Notice::Typing { conversation, user, at: now };
            async move { ports.push.post(&device.connection, &notice).await }
        })
        .collect();
    for error in join_all(posts).await.into_iter().filter_map(Result::err) {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(conversation = %conversation.id, error, "a device is not told");
    }
    Ok(Signaled::default())
}

/// Who of the others is online; of a large group nobody is told that.
async fn presence(
    ports: SignalPorts<'_>,
    caller: &Caller,
    conversation: &Conversation,
) -> Result<Signaled, Error> {
    let listening = online(ports, &others(conversation, caller)).await?;
    let online = listening.into_iter().map(|(user, _)| user).collect();
    Ok(Signaled { until: None, online: Some(online) })
}
