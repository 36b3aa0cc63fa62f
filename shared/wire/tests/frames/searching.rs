//! Frames of `search`.

use timeline::search::{
    Filters, Hit, Hits, QueryText, SearchPage, SearchRequest, TextSpan, TitleHit,
};
use timeline::{Kind, Timestamp, Title, UserId};
use wire::{ErrorCode, Matches, Search};

use crate::{Golden, answers, direct, group, request, seq};

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn searches() -> [(&'static str, Search, SearchRequest); 2] {
    let all = Search::new("7".into(), "北京 meet ".into());
    let one = Search {
        conversation: Some(direct().to_string()),
        from: Some("alice".into()),
        kind: Some("image".into()),
        since: Some(1_763_900_000_000),
        until: Some(1_764_000_000_000),
        limit: Some(50),
        page: Some("AQL_".into()),
        ..all.clone()
    };
    let asked = SearchRequest {
        query: QueryText::new("北京 meet ".into()),
        conversation: None,
        filters: Filters::default(),
        limit: 20,
        page: None,
    };
    let filters = Filters {
        from: Some(user("alice")),
        kind: Some(Kind::parse("image").unwrap()),
        since: Some(Timestamp(1_763_900_000_000)),
        until: Some(Timestamp(1_764_000_000_000)),
    };
    let of_one = SearchRequest {
        conversation: Some(direct()),
        filters,
        limit: 50,
        page: Some(page()),
        ..asked.clone()
    };
    [("search-minimal", all, asked), ("search-full", one, of_one)]
}

fn page() -> SearchPage {
    SearchPage::new(vec![1, 2, 255])
}

fn found() -> Matches {
    let spans = vec![TextSpan { start: 9, end: 13 }];
    let hit = Hit {
        conversation: direct(),
        seq: seq(42),
        author: user("alice"),
        at: Timestamp(1_763_917_045_123),
        kind: Kind::text(),
        text: "Shall we meet?".into(),
        spans,
    };
    let title = TitleHit {
        conversation: group(),
        title: Title::parse("meet 北京").unwrap(),
        spans: vec![TextSpan { start: 0, end: 4 }, TextSpan { start: 5, end: 7 }],
    };
    Hits { hits: vec![hit], titles: vec![title], page: Some(page()) }.into()
}

pub(crate) fn goldens() -> Vec<Golden> {
    let requests = searches().map(|(name, frame, _)| (format!("request-{name}"), frame.to_json()));
    let mut goldens = Vec::from(requests);
    goldens.push(answers::golden("search", found()));
    goldens.push(answers::golden("search-nothing", Matches::from(Hits::default())));
    goldens
}

#[test]
fn the_server_reads_what_the_client_searches() {
    for (name, frame, asked) in searches() {
        let read = Search::parse(&frame.to_json()).unwrap();
        assert_eq!((read.id, read.fields), (request(), asked), "{name}");
    }
}

#[test]
fn the_client_reads_what_the_server_finds() {
    for found in [found(), Matches::from(Hits::default())] {
        let text = wire::Answer::ok(&request(), found.clone()).to_json();
        let Ok(wire::Incoming::Answer { outcome: Ok(ok), .. }) = wire::Incoming::parse(&text)
        else {
            panic!("{text}");
        };
        assert!(wire::Incoming::ok::<Matches>(&ok).unwrap() == found, "{text}");
    }
    // The page of an answer is the page of the next request.
    let next = Search { page: found().page, ..Search::new("7".into(), "meet".into()) };
    assert_eq!(Search::parse(&next.to_json()).unwrap().fields.page, Some(page()));
}

#[test]
fn a_search_is_exact() {
    use ErrorCode::{Invalid, Malformed};
    let cases = [
        (Malformed, r#""conversation":"d~alice~bob""#),
        (Malformed, r#""query":"a","since":-1"#),
        (Malformed, r#""query":"a","user":"bob""#),
        (Invalid, r#""query":"a","conversation":"x""#),
        (Invalid, r#""query":"a","from":"no one""#),
        (Invalid, r#""query":"a","kind":"edit""#),
        (Invalid, r#""query":"a","since":5,"until":5"#),
        (Invalid, r#""query":"a","limit":0"#),
        (Invalid, r#""query":"a","limit":101"#),
        (Invalid, r#""query":"a","page":"not base64!""#),
    ];
    for (code, fields) in cases {
        let frame = format!(r#"{{"action":"search","id":"7",{fields}}}"#);
        let Err(refusal) = Search::parse(&frame) else { panic!("{fields} is taken") };
        assert_eq!(refusal.problem.error_code(), Some(code), "{fields}");
        assert_eq!(refusal.re, Some(request()), "{fields}");
        assert!(!refusal.problem.message.contains("alice"), "{fields} is repeated");
    }
}
