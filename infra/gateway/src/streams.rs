//! The event source mappings of a deployment: tables' streams into functions.
//!
//! Each is what Lambda's pollers are on AWS, with these differences: a write wakes them, where AWS
//! looks four times a second; what DynamoDB's stream here is not is said in the crate `dynamodb`.
//! Polls cost nothing on AWS and are not on the bill; invocations are.
//!
//! # Invariants
//!
//! * A record is behind the checkpoint only once it has succeeded, was refused by the filter, or
//!   was given up: a gateway that is killed hands over again what it had in hand.
//! * Records of one partition key are handed over in their order, the first time.

use std::sync::Arc;

use template::model::StreamMapping;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::checkpoints::Checkpoints;
use crate::database::Database;
use crate::delivery::Delivery;
use crate::destination::Destination;
use crate::feed::Feed;
use crate::filter::Filter;
use crate::functions::Functions;
use crate::progress::Progress;
use crate::{BoxError, Error, Settings};

/// The mappings that are served; dropping it abandons them.
#[derive(Debug)]
pub(crate) struct Streams {
    stop: watch::Sender<bool>,
    feeds: JoinSet<()>,
}

impl Streams {
    /// Serves every mapping; each has its position when this returns.
    pub(crate) fn start(
        settings: &Settings,
        database: &Database,
        functions: &Functions,
    ) -> Result<Self, Error> {
        let (stop, stopped) = watch::channel(false);
        let mut feeds = JoinSet::new();
        let checkpoints = Arc::new(Checkpoints::open(&settings.store)?);
        for mapping in &settings.deployment.streams {
            let Some(pool) = functions.pools.get(&mapping.function) else {
                let (referrer, function) = (mapping.id.clone(), mapping.function.clone());
                return Err(Error::UnknownFunction { referrer, function });
            };
            let failed = |source| Error::Mapping { mapping: mapping.id.clone(), source };
            let opened = open(settings, database, mapping).map_err(failed)?;
            let position = opened.position(mapping, &checkpoints).map_err(failed)?;
            let directory = settings.destinations.as_ref();
            let destination = directory.zip(mapping.on_failure.as_ref());
            let delivery = Delivery {
                mapping: mapping.clone(),
                pool: Arc::clone(pool),
                shard: opened.stream.shard().to_owned(),
                progress: Progress::default(),
                checkpoints: Arc::clone(&checkpoints),
                destination: destination.map(|(directory, arn)| Destination::new(directory, arn)),
                stop: stopped.clone(),
            };
            let Opened { stream, filter, partition_key } = opened;
            let delivery = Arc::new(delivery);
            feeds.spawn(Feed { stream, filter, partition_key, position, delivery }.run());
        }
        Ok(Self { stop, feeds })
    }

    /// Reads no more, and waits for the invocations that are in hand.
    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(true);
        while self.feeds.join_next().await.is_some() {}
    }

    /// Ends without waiting for any function.
    pub(crate) async fn abandon(&mut self) {
        self.feeds.shutdown().await;
    }
}

/// What a mapping reads.
struct Opened {
    stream: dynamodb::Stream,
    filter: Filter,
    partition_key: String,
}

fn open(
    settings: &Settings,
    database: &Database,
    mapping: &StreamMapping,
) -> Result<Opened, BoxError> {
    let table = settings.deployment.tables.get(&mapping.table);
    let table = table.ok_or("its table is not declared")?;
    let name = table.create["TableName"].as_str().unwrap_or(&table.id);
    let keys = table.create["KeySchema"].as_array().into_iter().flatten();
    let mut partition_keys = keys.filter(|key| key["KeyType"] == "HASH");
    let partition_key = partition_keys.next().and_then(|key| key["AttributeName"].as_str());
    Ok(Opened {
        stream: database.stream(name)?,
        filter: Filter::parse(&mapping.filters)?,
        partition_key: partition_key.unwrap_or_default().to_owned(),
    })
}

impl Opened {
    /// Tells where reading begins: at the checkpoint, or else where the mapping says.
    fn position(
        &self,
        mapping: &StreamMapping,
        checkpoints: &Checkpoints,
    ) -> Result<Option<String>, BoxError> {
        let kept = checkpoints.of(&mapping.id);
        if kept.is_some() || mapping.from_oldest {
            return Ok(kept);
        }
        let latest = self.stream.last()?;
        if let Some(latest) = &latest {
            checkpoints.keep(&mapping.id, latest.clone());
        }
        Ok(latest)
    }
}
