//! What goes wrong, and how often.

/// How the weather is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Climate {
    /// Nothing goes wrong, but that things take their time.
    Calm,
    /// Everything goes wrong now and then.
    Full,
    /// Requests fail often.
    Harsh,
    /// Everything but pushes goes wrong; no push is made up for by a keep-alive.
    NoPing,
    /// Inboxes expire within minutes, and devices are away for longer.
    Expiry,
}

impl Climate {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Calm, Self::Full, Self::Harsh, Self::NoPing, Self::Expiry];

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Full => "full",
            Self::Harsh => "harsh",
            Self::NoPing => "no-ping",
            Self::Expiry => "expiry",
        }
    }
}

/// How often something goes wrong, of a thousand times, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// When nothing goes wrong any more, in milliseconds of the run.
    pub(crate) peace: u64,
    /// When the laws must hold, in milliseconds of the run.
    pub(crate) end: u64,
    /// A request never arrives.
    pub(crate) lost_before: u64,
    /// A request is carried out, and its answer never arrives.
    pub(crate) lost_after: u64,
    /// A request is carried out long after its caller gave it up.
    pub(crate) delayed: u64,
    /// A request is told to come back later.
    pub(crate) throttled: u64,
    /// A function is killed.
    pub(crate) killed: u64,
    /// A post is refused for now, each try of three.
    pub(crate) post_refused: u64,
    /// A pushed frame never arrives.
    pub(crate) push_lost: u64,
    /// Any other frame never arrives.
    pub(crate) frame_lost: u64,
    /// A frame arrives twice.
    pub(crate) frame_doubled: u64,
    /// A frame is late.
    pub(crate) frame_late: u64,
    /// How late at most, in milliseconds.
    pub(crate) late_ms: u64,
    /// A connection breaks at some time.
    pub(crate) broken: u64,
    /// A client does not notice that its connection broke.
    pub(crate) unnoticed: u64,
    /// A connection that ended is not reported.
    pub(crate) disconnect_lost: u64,
    /// A device's process dies at some time.
    pub(crate) crashed: u64,
    /// A device that starts again has lost records.
    pub(crate) forgetful: u64,
    /// A batch of the stream is delivered once more.
    pub(crate) redelivered: u64,
    /// Of an inbox entry, in seconds; the default if none.
    pub(crate) inbox_seconds: Option<u64>,
}

/// Nothing goes wrong.
const CALM: Weather = Weather {
    peace: 20_000,
    end: 700_000,
    lost_before: 0,
    lost_after: 0,
    delayed: 0,
    throttled: 0,
    killed: 0,
    post_refused: 0,
    push_lost: 0,
    frame_lost: 0,
    frame_doubled: 0,
    frame_late: 0,
    late_ms: 15_000,
    broken: 0,
    unnoticed: 0,
    disconnect_lost: 0,
    crashed: 0,
    forgetful: 0,
    redelivered: 0,
    inbox_seconds: None,
};

const FULL: Weather = Weather {
    lost_before: 20,
    lost_after: 20,
    delayed: 10,
    throttled: 10,
    killed: 100,
    post_refused: 50,
    push_lost: 50,
    frame_lost: 50,
    frame_doubled: 20,
    frame_late: 30,
    broken: 500,
    unnoticed: 200,
    disconnect_lost: 300,
    crashed: 300,
    forgetful: 300,
    redelivered: 50,
    ..CALM
};

impl Weather {
    pub(crate) fn of(climate: Climate) -> Self {
        match climate {
            Climate::Calm => CALM,
            Climate::Full => FULL,
            Climate::Harsh => {
                Self { lost_before: 150, lost_after: 150, throttled: 50, killed: 200, ..FULL }
            }
            // Long before any keep-alive, and long enough for the stream to finish what was cut
            // off at the last moment. No frame is so late that its sender has given it up: what is
            // kept by one that has is told to no connection that knows of it.
            Climate::NoPing => Self {
                post_refused: 0,
                push_lost: 0,
                unnoticed: 0,
                late_ms: 9_000,
                end: 80_000,
                ..FULL
            },
            Climate::Expiry => {
                Self { inbox_seconds: Some(120), peace: 400_000, end: 1_100_000, ..FULL }
            }
        }
    }
}
