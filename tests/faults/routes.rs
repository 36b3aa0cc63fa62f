//! What the functions do with a frame: the same ports on the same parts, by the test's clock.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use chat::{
    GroupPorts, HistoryPorts, ListPorts, SearchBounds, SearchPorts, SendPorts, SignalPorts,
    SyncPorts, TellPorts,
};
use edge::{Event, Failure, FreshIds, HmacSeal, Reply};
use push::{Alerts, Silent};
use serde_json::Value;
use wire::action;

use crate::world::World;

/// Does what the function of the frame's route does.
pub(crate) async fn handle(world: &World, event: Event) -> Result<Reply, Failure> {
    let caller = &event.caller()?;
    let (store, body) = (&world.store, event.body());
    let silent = || tell(world, &Silent);
    let lists = ListPorts { directory: store, timelines: store };
    match wire::action_of(body).unwrap_or_default().as_str() {
        action::SEND => {
            let request = wire::Send::parse(body)?;
            let push = &event.answering(&world.push);
            let tell = TellPorts { push, ..tell(world, &*world.alerts) };
            let ports = SendPorts { tell, claims: store };
            chat::send(ports, caller, &request.id, request.fields).await?;
            Ok(Reply::empty())
        }
        action::RECALL => {
            let request = wire::Recall::parse(body)?;
            let ports = SendPorts { tell: silent(), claims: store };
            let kept = chat::recall(ports, caller, request.fields).await?;
            Ok(Reply::kept(&request.id, kept))
        }
        action::GROUP => {
            let request = wire::Group::parse(body, edge::fresh_id())?;
            let ports = GroupPorts { tell: silent(), ids: &FreshIds };
            let group = chat::group(ports, caller, request.fields).await?;
            Ok(Reply::grouped(&request.id, group))
        }
        action::READ => {
            let request = wire::Read::parse(body)?;
            let read = chat::read(silent(), caller, request.fields).await?;
            Ok(Reply::read(&request.id, read))
        }
        action::RECEIPTS => {
            let request = wire::Receipts::parse(body)?;
            let receipts = chat::receipts(lists, caller, request.fields).await?;
            Ok(Reply::receipts(&request.id, receipts))
        }
        action::CONVERSATIONS => {
            let request = wire::Conversations::parse(body)?;
            let listed = chat::conversations(lists, caller, request.fields).await?;
            Ok(Reply::listed(&request.id, listed))
        }
        _ => handle_others(world, &event).await,
    }
}

async fn handle_others(world: &World, event: &Event) -> Result<Reply, Failure> {
    let caller = &event.caller()?;
    let (store, push, clock, policy) = (&world.store, &world.push, &world.clock, &world.policy);
    let body = event.body();
    match wire::action_of(body).unwrap_or_default().as_str() {
        action::SYNC => {
            let request = wire::Sync::parse(body)?;
            let ports = SyncPorts {
                directory: store,
                timelines: store,
                inboxes: store,
                connections: store,
                clock,
                policy,
            };
            let caught = chat::sync(ports, caller, request.fields).await?;
            Ok(Reply::synced(&request.id, caught))
        }
        action::HISTORY => {
            let request = wire::History::parse(body)?;
            let ports = HistoryPorts { directory: store, timelines: store };
            let found = chat::history(ports, caller, request.fields).await?;
            Ok(Reply::found(&request.id, found))
        }
        action::SIGNAL => {
            let request = wire::Signal::parse(body)?;
            let ports =
                SignalPorts { directory: store, focuses: store, connections: store, push, clock };
            let signaled = chat::signal(ports, caller, request.fields).await?;
            Ok(Reply::signaled(&request.id, signaled))
        }
        action::SEARCH => {
            let request = wire::Search::parse(body)?;
            let ports = SearchPorts {
                directory: store,
                timelines: store,
                blocks: store,
                searched: wire::searched_text,
                seal: &HmacSeal::new("test"),
                bounds: &SearchBounds::default(),
            };
            let hits = chat::search(ports, caller, request.fields).await?;
            Ok(Reply::hits(&request.id, hits))
        }
        _ => Err(event.unclaimed()),
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
