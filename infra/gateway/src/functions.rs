//! All functions of a deployment, and the hand that ends a process of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::FunctionUse;
use crate::caller::Caller;
use crate::pool::Pool;
use crate::process::Process;

/// Functions by logical id.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    pub(crate) pools: BTreeMap<String, Arc<Pool>>,
}

impl Functions {
    pub(crate) fn process(&self, caller: Caller<'_>) -> Option<Arc<Process>> {
        self.pools.get(caller.function)?.process(caller.process)
    }

    /// Ends the process that makes a request, as a fault demands, and waits until nothing of it
    /// runs.
    pub(crate) async fn end(&self, caller: Option<Caller<'_>>, at: &str) {
        let Some(caller) = caller else { return };
        let Some(process) = self.process(caller) else { return };
        process.kill();
        process.gone().await;
        let Caller { function, process } = caller;
        tracing::info!("{function}: process {process} was ended at {at}, as armed");
    }

    /// Tells what each function that was invoked has used.
    pub(crate) fn used(&self) -> BTreeMap<String, FunctionUse> {
        let used = |pool: &Arc<Pool>| pool.meter.used(pool.launch.memory_mb);
        let all = self.pools.iter().map(|(name, pool)| (name.clone(), used(pool)));
        all.filter(|(_, used)| used.invocations > 0).collect()
    }

    pub(crate) async fn stop(&self) {
        for pool in self.pools.values() {
            pool.stop().await;
        }
    }

    pub(crate) fn abandon(&self) {
        for pool in self.pools.values() {
            pool.abandon();
        }
    }
}
