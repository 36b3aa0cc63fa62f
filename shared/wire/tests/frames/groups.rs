//! Frames of `group` and `signal`, and what the events of a group say.

use proptest::prelude::*;
use timeline::exchange::{Signal as Asked, SignalKind, Signaled as Done};
use timeline::group::{Change, Group as Known, GroupRequest};
use timeline::{
    Admission, Diffusion, Kind, MessageId, Muted, Pinned, Role, Timestamp, Title, UserId,
    Visibility,
};
use wire::{ErrorCode, Event, Group, Grouped, Message, Signal, Signaled};

use crate::{Golden, answers, body, cid, entry, group, request};

/// Names the groups of frames that bring no `cid`.
fn fresh() -> MessageId {
    MessageId::from_bytes([7; 16])
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn title() -> Title {
    Title::parse("周末 \"trip\"").unwrap()
}

fn title_text() -> Option<String> {
    Some(title().as_str().to_owned())
}

/// What an event says of the title.
const TITLED: &str = r#"{"title":"周末 \"trip\""}"#;

fn frame(op: &str, change: impl FnOnce(&mut Group)) -> Group {
    let mut frame = Group::new("7".into(), op);
    if op != "create" {
        frame.conversation = Some(group().to_string());
    }
    change(&mut frame);
    frame
}

/// A request as a client writes it, and what the server reads.
type Case = (&'static str, Group, GroupRequest);

/// The titled requests that make a group.
fn creations() -> Vec<Case> {
    let created = |id, visibility, admission, members: &[&str], said: &str| GroupRequest::Create {
        id,
        title: title(),
        members: members.iter().map(|name| user(name)).collect(),
        visibility,
        admission,
        body: body(said),
    };
    let full = r#"{"users":["bob","cy"],"title":"周末 \"trip\""}"#;
    vec![
        (
            "create-minimal",
            frame("create", |frame| frame.title = title_text()),
            created(fresh(), Visibility::FromStart, Admission::Closed, &[], TITLED),
        ),
        (
            "create-full",
            frame("create", |frame| {
                frame.title = title_text();
                frame.members = Some(vec!["cy".into(), "bob".into(), "cy".into()]);
                frame.history = Some("join".into());
                frame.open = Some(true);
                frame.cid = Some(cid().to_string());
            }),
            created(cid(), Visibility::FromJoin, Admission::Open, &["bob", "cy"], full),
        ),
    ]
}

/// The requests that change a group.
fn changes() -> Vec<Case> {
    let add = |users: &[&str], said: &str| Change::Add {
        users: users.iter().map(|name| user(name)).collect(),
        body: body(said),
    };
    let dan = |frame: &mut Group| frame.user = Some("dan".into());
    let several = |frame: &mut Group| frame.users = Some(vec!["dan".into(), "eve".into()]);
    let admin = |frame: &mut Group| {
        (frame.user, frame.role) = (Some("dan".into()), Some("admin".into()));
    };
    let removed = Change::Remove { user: user("dan"), body: body(r#"{"users":["dan"]}"#) };
    let role = Change::Role {
        user: user("dan"),
        role: Role::Admin,
        body: body(r#"{"user":"dan","role":"admin"}"#),
    };
    let renamed = Change::Rename { title: title(), body: body(TITLED) };
    let retitled = |frame: &mut Group| frame.title = title_text();
    let muted = |frame: &mut Group| frame.muted = Some(true);
    let pinned = |frame: &mut Group| frame.pinned = Some(true);
    [
        ("join", frame("join", |_| ()), Change::Join),
        ("leave", frame("leave", |_| ()), Change::Leave),
        ("add", frame("add", dan), add(&["dan"], r#"{"users":["dan"]}"#)),
        ("add-several", frame("add", several), add(&["dan", "eve"], r#"{"users":["dan","eve"]}"#)),
        ("remove", frame("remove", dan), removed),
        ("role", frame("role", admin), role),
        ("rename", frame("rename", retitled), renamed),
        ("mute", frame("mute", muted), Change::Mute(Muted::Yes)),
        ("pin", frame("pin", pinned), Change::Pin(Pinned::Yes)),
    ]
    .map(|(name, frame, change)| {
        (name, frame, GroupRequest::Change { conversation: group(), change })
    })
    .into()
}

/// The requests that list members.
fn lists() -> Vec<Case> {
    let page = |frame: &mut Group| (frame.page, frame.limit) = (Some("cy".into()), Some(2));
    let list = |after, limit| GroupRequest::Members { conversation: group(), after, limit };
    vec![
        ("members", frame("members", |_| ()), list(None, 100)),
        ("members-page", frame("members", page), list(Some(user("cy")), 2)),
    ]
}

/// Every request of the route.
fn frames() -> Vec<Case> {
    creations().into_iter().chain(changes()).chain(lists()).collect()
}

fn signals() -> Vec<(&'static str, Signal, Asked)> {
    let of = |kind, name: &str| {
        (Signal::new("7".into(), group().to_string(), name), Asked { conversation: group(), kind })
    };
    let (focus, focused) = of(SignalKind::Focus, "focus");
    let (blur, blurred) = of(SignalKind::Blur, "blur");
    let (typing, typed) = of(SignalKind::Typing, "typing");
    let (presence, asked) = of(SignalKind::Presence, "presence");
    vec![
        ("focus", focus, focused),
        ("blur", blur, blurred),
        ("typing", typing, typed),
        ("presence", presence, asked),
    ]
}

fn grouped() -> Vec<(&'static str, Grouped)> {
    let known = Known {
        conversation: group(),
        title: Some(title()),
        version: 3,
        diffusion: Diffusion::Write,
        visibility: Visibility::FromStart,
        admission: Admission::Closed,
        count: 2,
        members: vec![(user("alice"), Role::Owner), (user("bob"), Role::Member)],
        page: None,
    };
    let large = Known {
        diffusion: Diffusion::Read,
        visibility: Visibility::FromJoin,
        admission: Admission::Open,
        count: 500,
        page: Some(user("bob")),
        ..known.clone()
    };
    vec![("group", known.into()), ("group-large", large.into())]
}

fn signaled() -> Vec<(&'static str, Signaled)> {
    let until = Some(Timestamp(1_763_917_045_123));
    vec![
        ("signal-focus", Done { until, online: None }.into()),
        ("signal-blur", Done::default().into()),
        ("signal-presence", Done { until: None, online: Some(vec![user("bob")]) }.into()),
    ]
}

pub(crate) fn goldens() -> Vec<Golden> {
    let frames = frames().into_iter().map(|(name, frame, _)| (format!("group-{name}"), frame));
    let frames = frames.map(|(name, frame)| (name, frame.to_json()));
    let signals = signals().into_iter();
    let signals = signals.map(|(name, frame, _)| (format!("signal-{name}"), frame.to_json()));
    let requests = frames.chain(signals).map(|(name, text)| (format!("request-{name}"), text));
    let answers = grouped().into_iter().map(|(name, ok)| answers::golden(name, ok));
    requests
        .chain(answers)
        .chain(signaled().into_iter().map(|(n, ok)| answers::golden(n, ok)))
        .collect()
}

#[test]
fn the_server_reads_what_the_client_writes() {
    for (name, frame, model) in frames() {
        let read = Group::parse(&frame.to_json(), fresh());
        let read = read.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        assert_eq!((read.id, read.fields), (request(), model), "{name}");
    }
    for (name, frame, model) in signals() {
        let read = Signal::parse(&frame.to_json()).unwrap();
        assert_eq!((read.id, read.fields), (request(), model), "{name}");
    }
}

#[test]
fn the_client_reads_what_the_server_answers() {
    for (name, grouped) in grouped() {
        answers::require(name, &grouped);
    }
    for (name, signaled) in signaled() {
        answers::require(name, &signaled);
    }
}

#[test]
fn an_op_is_exact() {
    use ErrorCode::{Invalid, Malformed, TooLarge};
    let many: Vec<_> = (0..101).map(|number| format!("user-{number}")).collect();
    let cases: Vec<(ErrorCode, Group)> = vec![
        (Invalid, frame("fly", |_| ())),
        (Invalid, frame("create", |_| ())),
        (Invalid, frame("create", |frame| frame.title = Some("a\nb".into()))),
        (Malformed, frame("join", |frame| frame.user = Some("bob".into()))),
        (Malformed, frame("members", |frame| frame.role = Some("owner".into()))),
        (Malformed, frame("create", |frame| frame.conversation = Some(group().to_string()))),
        (Invalid, frame("join", |frame| frame.conversation = None)),
        (Invalid, frame("join", |frame| frame.conversation = Some("g~nonsense".into()))),
        (Invalid, frame("add", |_| ())),
        (Invalid, frame("add", |frame| frame.users = Some(Vec::new()))),
        (
            Invalid,
            frame("add", |frame| {
                (frame.user, frame.users) = (Some("bob".into()), Some(vec!["cy".into()]));
            }),
        ),
        (Invalid, frame("add", |frame| frame.user = Some("a~b".into()))),
        (TooLarge, frame("add", |frame| frame.users = Some(many.clone()))),
        (Invalid, frame("role", |frame| frame.user = Some("bob".into()))),
        (
            Invalid,
            frame("role", |frame| {
                (frame.user, frame.role) = (Some("bob".into()), Some("king".into()));
            }),
        ),
        (Invalid, frame("mute", |_| ())),
        (Invalid, frame("pin", |_| ())),
        (Invalid, frame("members", |frame| frame.limit = Some(0))),
        (Invalid, frame("members", |frame| frame.limit = Some(101))),
    ];
    for (code, frame) in cases {
        let text = frame.to_json();
        let refusal = Group::parse(&text, fresh()).expect_err(&text);
        assert_eq!(refusal.problem.error_code(), Some(code), "{text}");
        assert_eq!(refusal.re, Some(request()), "{text}");
    }
    let text = Signal::new("7".into(), group().to_string(), "wave").to_json();
    assert_eq!(Signal::parse(&text).unwrap_err().problem.error_code(), Some(Invalid));
}

/// The event that a frame asks for, as its members read it.
fn told(kind: &'static str, request: GroupRequest) -> Option<Event> {
    let body = match request {
        GroupRequest::Create { body, .. } => body,
        GroupRequest::Change { change, .. } => match change {
            Change::Add { body, .. }
            | Change::Remove { body, .. }
            | Change::Role { body, .. }
            | Change::Rename { body, .. } => body,
            Change::Join | Change::Leave | Change::Mute(_) | Change::Pin(_) => {
                timeline::Body::empty()
            }
        },
        GroupRequest::Members { .. } => return None,
    };
    let mut entry = entry();
    (entry.kind, entry.body) = (Kind::event(kind), Some(body));
    Event::read(&Message::of_entry(&group(), &entry))
}

#[test]
fn members_read_what_an_event_says() {
    let asked = |name: &str| frames().into_iter().find(|case| case.0 == name).unwrap().2;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let text = || title().as_str().to_owned();
    let cases = [
        (
            "create-full",
            Kind::JOIN,
            Event::Join { users: names(&["bob", "cy"]), title: Some(text()) },
        ),
        (
            "create-minimal",
            Kind::JOIN,
            Event::Join { users: names(&["alice"]), title: Some(text()) },
        ),
        ("join", Kind::JOIN, Event::Join { users: names(&["alice"]), title: None }),
        ("leave", Kind::LEAVE, Event::Leave { users: names(&["alice"]) }),
        ("add", Kind::JOIN, Event::Join { users: names(&["dan"]), title: None }),
        ("remove", Kind::LEAVE, Event::Leave { users: names(&["dan"]) }),
        ("role", Kind::ROLE, Event::Role { user: "dan".into(), role: "admin".into() }),
        ("rename", Kind::RENAME, Event::Rename { title: text() }),
        ("join", Kind::MODE, Event::Mode),
    ];
    for (name, kind, event) in cases {
        assert_eq!(told(kind, asked(name)), Some(event), "{name}");
    }
    assert_eq!(Event::read(&Message::of_entry(&group(), &entry())), None, "a text is no event");
}

proptest! {
    /// Any text is a request or a refusal.
    #[test]
    fn any_text_is_survived(text in ".{0,200}", field in ".{0,20}") {
        let _ = (Group::parse(&text, fresh()), Signal::parse(&text));
        for (_, frame, _) in frames() {
            let text = Group { title: Some(field.clone()), page: Some(field.clone()), ..frame };
            let _ = Group::parse(&text.to_json(), fresh());
        }
    }

    /// Every title comes back, whatever characters it has.
    #[test]
    fn a_title_comes_back(text in "\\PC{1,100}") {
        prop_assume!(Title::parse(&text).is_ok());
        let asked = frame("rename", |frame| frame.title = Some(text.clone()));
        let read = Group::parse(&asked.to_json(), fresh()).unwrap().fields;
        prop_assert_eq!(told(Kind::RENAME, read), Some(Event::Rename { title: text }));
    }
}
