//! A route is one noun: in the protocol, in the template, and among the functions.

use std::collections::{BTreeMap, BTreeSet};

use template::model::{Api, Deployment};

use crate::tree::{deployment, files, read};

/// What a stream feeds: the function and its binary.
const CONSUMERS: [(&str, &str); 2] = [("FanoutFunction", "fanout"), ("IndexFunction", "index")];

/// What API Gateway calls by itself.
const OWN: [&str; 3] = ["$connect", "$disconnect", "$default"];

fn api(deployment: &Deployment) -> &Api {
    assert_eq!(deployment.apis.len(), 1);
    deployment.apis.values().next().unwrap()
}

/// The function of a route key: its name without the `$`.
fn name_of(key: &str) -> &str {
    key.trim_start_matches('$')
}

#[test]
fn the_templates_routes_are_the_protocols() {
    let deployment = deployment();
    let routes: BTreeSet<_> = api(&deployment).routes.keys().map(String::as_str).collect();
    assert_eq!(routes, wire::action::ALL.into_iter().chain(OWN).collect());
}

#[test]
fn a_route_its_function_and_its_binary_have_one_name() {
    let deployment = deployment();
    let mut expected = BTreeMap::new();
    for (key, route) in &api(&deployment).routes {
        expected.insert(route.function.as_str(), name_of(key));
    }
    let authorizer = api(&deployment).authorizer.as_ref().unwrap();
    expected.insert(authorizer.function.as_str(), "authorize");
    for (function, binary) in CONSUMERS {
        assert!(deployment.streams.iter().any(|mapping| mapping.function == function));
        expected.insert(function, binary);
    }
    let functions = &deployment.functions;
    let found: BTreeMap<_, _> = functions
        .iter()
        .map(|(id, function)| (id.as_str(), function.binary.as_deref().unwrap()))
        .collect();
    assert_eq!(found, expected);
    for (id, name) in expected {
        assert_eq!(id.to_lowercase(), format!("{name}function"));
    }
}

#[test]
fn every_function_is_a_package_of_its_name_and_is_deployed() {
    let deployment = deployment();
    let deployed = deployment.functions.values().map(|function| function.binary.clone().unwrap());
    let deployed: BTreeSet<_> = deployed.collect();
    let manifests = files(&["Cargo.toml"]);
    let packages = manifests.iter().filter(|file| file.path.starts_with("functions/"));
    let packages = packages.map(|file| {
        let manifest: toml::Table = toml::from_str(&file.text).unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        assert_eq!(file.folder(), format!("functions/{name}"));
        name
    });
    assert_eq!(packages.collect::<BTreeSet<_>>(), deployed);
}

#[test]
fn a_route_answers_where_its_function_returns_answers() {
    let deployment = deployment();
    for (key, route) in &api(&deployment).routes {
        let main = read(&format!("functions/{}/src/main.rs", name_of(key)));
        let returns = main.contains("Direction::TwoWay");
        assert_eq!(route.two_way, returns, "{key}: two-way in the template, and in its function");
    }
}
