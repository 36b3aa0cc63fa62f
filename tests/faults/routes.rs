//! What the functions do with a frame: the same ports on the same parts, by the test's clock.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use chat::{
    GroupPorts, HistoryPorts, ListPorts, SearchBounds, SearchPorts, SendPorts, SignalPorts,
    SyncPorts, TellPorts,
};
use edge::{Event, Failure, FreshIds, HmacSeal, Reply, route};
use push::{Alerts, Silent};
use serde_json::Value;
use wire::action;

use crate::world::World;

/// Does what the function of the frame's route does.
pub(crate) async fn handle(world: &World, event: Event) -> Result<Reply, Failure> {
    let (store, event) = (&world.store, &event);
    let silent = || tell(world, &Silent);
    let lists = ListPorts { directory: store, timelines: store };
    match wire::action_of(event.body()).unwrap_or_default().as_str() {
        action::SEND => {
            route::send(SendPorts { tell: tell(world, &*world.alerts), claims: store }, event).await
        }
        action::RECALL => route::recall(SendPorts { tell: silent(), claims: store }, event).await,
        action::GROUP => route::group(GroupPorts { tell: silent(), ids: &FreshIds }, event).await,
        action::READ => route::read(silent(), event).await,
        action::RECEIPTS => route::receipts(lists, event).await,
        action::CONVERSATIONS => route::conversations(lists, event).await,
        _ => handle_others(world, event).await,
    }
}

async fn handle_others(world: &World, event: &Event) -> Result<Reply, Failure> {
    let (store, push, clock, policy) = (&world.store, &world.push, &world.clock, &world.policy);
    match wire::action_of(event.body()).unwrap_or_default().as_str() {
        action::SYNC => {
            let ports = SyncPorts {
                directory: store,
                timelines: store,
                inboxes: store,
                connections: store,
                clock,
                policy,
            };
            route::sync(ports, event).await
        }
        action::HISTORY => {
            route::history(HistoryPorts { directory: store, timelines: store }, event).await
        }
        action::SIGNAL => {
            let ports =
                SignalPorts { directory: store, focuses: store, connections: store, push, clock };
            route::signal(ports, event).await
        }
        action::SEARCH => {
            let ports = SearchPorts {
                directory: store,
                timelines: store,
                blocks: store,
                searched: wire::searched_text,
                seal: &HmacSeal::new("test"),
                bounds: &SearchBounds::default(),
            };
            route::search(ports, event).await
        }
        _ => route::unclaimed(event),
    }
}

/// The ports of a route that writes.
pub(crate) fn tell<'a>(world: &'a World, alerts: &'a dyn Alerts) -> TellPorts<'a> {
    let World { store, push, clock, policy, .. } = world;
    TellPorts {
        directory: store,
        timelines: store,
        inboxes: store,
        connections: store,
        focuses: store,
        push,
        alerts,
        clock,
        pace: clock,
        policy,
    }
}

/// The frame that a function returns, if it returns any.
pub(crate) fn frame_of(reply: Reply) -> Option<Value> {
    let body = ApiGatewayProxyResponse::from(reply).body?;
    let text = std::str::from_utf8(body.as_ref()).unwrap().to_owned();
    (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
}
