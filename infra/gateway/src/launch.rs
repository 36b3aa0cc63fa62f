//! How a process of a function is started, watched, and reaped.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::caller::Caller;
use crate::event::REGION;
use crate::pool::Pool;
use crate::process::Process;
use crate::runtime_api;
use crate::{LambdaEndpoint, Logs};

/// How long a process may take until it first asks for work.
///
/// Theirs: "Understanding the Lambda execution environment lifecycle", the init phase.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Lines of standard error that are told when a process fails.
const TAIL_LINES: usize = 8;

/// Bytes of a line that are kept together; a longer one is cut in two.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// How long the last lines of a dead process are waited for: a child of its own may hold the pipe.
const TAIL_TIMEOUT: Duration = Duration::from_secs(1);

/// What a function's processes are started from.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The function's name.
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The declared environment and the local endpoints.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) memory_mb: u32,
    /// How long an invocation may take.
    pub(crate) timeout: Duration,
    /// Invocations one process is given at a time.
    pub(crate) concurrency: u32,
    pub(crate) processes_max: usize,
    /// The process group of everything that ends with the gateway.
    pub(crate) group: i32,
    pub(crate) logs: Logs,
}

/// Who runs a function.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Processes of this executable.
    Here(PathBuf),
    /// Whoever serves Lambda's API there.
    Elsewhere(LambdaEndpoint),
}

/// Starts a process and stays with it to its end.
pub(crate) async fn run(
    pool: Arc<Pool>,
    process: Arc<Process>,
    mut killed: mpsc::UnboundedReceiver<()>,
) {
    match pool.launch.start(process.number).await {
        Ok(Started { child, listener, tail }) => {
            let server =
                tokio::spawn(runtime_api::serve(listener, Arc::clone(&pool), Arc::clone(&process)));
            let end = watch(&process, child, &mut killed).await;
            process.set_gone();
            server.abort();
            tell(&pool, &process, &end, tail).await;
        }
        Err(error) => {
            process.set_gone();
            tracing::warn!("{} cannot be started: {error}", pool.name());
        }
    }
    pool.ended(&process, process.has_polled());
}

struct Started {
    child: Child,
    listener: TcpListener,
    tail: JoinHandle<VecDeque<String>>,
}

/// How a process ended.
enum End {
    /// By itself.
    Exited(io::Result<ExitStatus>),
    /// Because the gateway ended it.
    Killed,
    /// Because it never asked for work.
    Overdue,
}

impl Launch {
    async fn start(&self, number: u64) -> io::Result<Started> {
        let Place::Here(executable) = &self.place else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let task_root = executable.parent().map(PathBuf::from).unwrap_or_default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let log = match &self.logs {
            Logs::Directory(directory) => {
                let path = directory.join(format!("{}.log", self.name));
                Some(OpenOptions::new().create(true).append(true).open(path)?)
            }
            Logs::Discard | Logs::Console => None,
        };
        let output = match (&log, &self.logs) {
            (Some(log), _) => Stdio::from(log.try_clone()?),
            (None, Logs::Console) => Stdio::piped(),
            (None, _) => Stdio::null(),
        };
        let mut child = Command::new(executable)
            .env_clear()
            .envs(&self.environment)
            .envs(self.reserved(number, address, &task_root))
            .current_dir(&task_root)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(self.group)
            .spawn()?;
        let is_shown = self.logs == Logs::Console;
        if let Some(output) = child.stdout.take() {
            tokio::spawn(follow(output, self.name.clone(), None, is_shown));
        }
        let errors = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let tail = tokio::spawn(follow(errors, self.name.clone(), log, is_shown));
        Ok(Started { child, listener, tail })
    }

    /// What Lambda itself sets, as in "Using Lambda environment variables", which no declared
    /// variable can change; credentials that name the process.
    fn reserved(
        &self,
        number: u64,
        address: String,
        task_root: &Path,
    ) -> Vec<(&'static str, String)> {
        let caller = Caller { function: &self.name, process: number };
        let mut reserved = vec![
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", self.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.memory_mb.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{number}")),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", caller.to_string()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_SESSION_TOKEN", "local".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("LAMBDA_TASK_ROOT", task_root.display().to_string()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
        ];
        if self.concurrency > 1 {
            reserved.push(("AWS_LAMBDA_MAX_CONCURRENCY", self.concurrency.to_string()));
        }
        reserved
    }
}

async fn watch(
    process: &Process,
    mut child: Child,
    killed: &mut mpsc::UnboundedReceiver<()>,
) -> End {
    let overdue = async {
        if tokio::time::timeout(INIT_TIMEOUT, process.came_up()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    let end = tokio::select! {
        status = child.wait() => return End::Exited(status),
        _ = killed.recv() => End::Killed,
        () = overdue => End::Overdue,
    };
    if let Err(error) = child.kill().await {
        tracing::warn!("process {} cannot be ended: {error}", process.number);
    }
    end
}

async fn tell(pool: &Pool, process: &Process, end: &End, tail: JoinHandle<VecDeque<String>>) {
    let (name, number) = (pool.name(), process.number);
    let what = match end {
        End::Killed => return,
        End::Overdue => format!("{name} did not ask for work within {INIT_TIMEOUT:?}"),
        End::Exited(Err(error)) => format!("{name}: process {number} is lost: {error}"),
        End::Exited(Ok(status)) if process.has_polled() => {
            format!("{name}: process {number} ended by itself ({status})")
        }
        End::Exited(Ok(status)) => format!("{name} did not come up ({status})"),
    };
    let mut message = what;
    if let Ok(Ok(lines)) = tokio::time::timeout(TAIL_TIMEOUT, tail).await {
        for line in lines {
            message.push_str("\n    ");
            message.push_str(&line);
        }
    }
    tracing::warn!("{message}");
}

/// Copies lines to where they belong until the pipe ends, and returns the last ones.
async fn follow(
    pipe: impl AsyncRead + Unpin,
    name: String,
    mut log: Option<File>,
    is_shown: bool,
) -> VecDeque<String> {
    let mut pipe = BufReader::new(pipe);
    let mut tail = VecDeque::with_capacity(TAIL_LINES);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        // An error ends the copying as the end of the pipe does: both come with the process's end.
        match (&mut pipe).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return tail,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        if is_shown {
            tracing::info!("{name}: {line}");
        }
        if let Some(file) = &mut log
            && let Err(error) = writeln!(file, "{line}")
        {
            tracing::warn!("the log of {name} cannot be written: {error}");
            log = None;
        }
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
}
