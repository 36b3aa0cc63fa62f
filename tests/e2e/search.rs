//! Search, as its users meet it: found by the next request, by what it says now, by whoever may.

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

use crate::exchange::text;
use crate::groups::{found, group, say};

/// A search for `query`, with these fields beside.
fn search(query: &str, mut fields: Value) -> Value {
    fields["query"] = json!(query);
    frame("search", fields)
}

/// The texts of a page, what was found in brackets.
fn marked(page: &Value) -> Vec<String> {
    let hits = page["hits"].as_array().unwrap();
    let marked = |hit: &Value| {
        let (text, mut marked) = (hit["text"].as_str().unwrap(), String::new());
        let spans: Vec<(usize, usize)> = serde_json::from_value(hit["spans"].clone()).unwrap();
        for (at, character) in text.chars().enumerate() {
            marked.extend(spans.iter().filter(|span| span.0 == at).map(|_| '['));
            marked.push(character);
            marked.extend(spans.iter().filter(|span| span.1 == at + 1).map(|_| ']'));
        }
        marked
    };
    hits.iter().map(marked).collect()
}

/// What a search finds on its first page.
async fn finds(client: &mut Client, query: &str, fields: Value) -> Vec<String> {
    marked(&client.ok(&search(query, fields)).await)
}

/// All that a search finds, by pages.
async fn walk(client: &mut Client, query: &str, fields: &Value) -> Vec<(Value, Value)> {
    let (mut spots, mut page) = (Vec::new(), Value::Null);
    loop {
        let mut asked = search(query, fields.clone());
        if !page.is_null() {
            asked["page"] = page;
        }
        let mut found = client.ok(&asked).await;
        let hits = found["hits"].as_array().unwrap().iter();
        spots.extend(hits.map(|hit| (hit["conversation"].clone(), hit["seq"].clone())));
        page = found["page"].take();
        if page.is_null() {
            return spots;
        }
    }
}

#[tokio::test]
async fn full_text_search_in_a_conversation() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    let direct = json!("d~alice~bob");
    let here = || json!({ "conversation": direct });
    let said = [
        ("Shall we meet in 北京 tomorrow?", "meet", "Shall we [meet] in 北京 tomorrow?"),
        ("南京市长江大桥", "长江大", "南京市[长江大]桥"),
        ("La Réunion à 10h", "reunion ", "La [Réunion] à 10h"),
        ("서울에서 만나요", "서울", "[서울]에서 만나요"),
    ];
    for (base, (words, query, marked)) in (0..).zip(said) {
        alice.ok(&text("bob", words, base)).await;
        // The very next request, of either of them.
        assert_eq!(finds(&mut alice, query, here()).await, [marked]);
        assert_eq!(finds(&mut bob, query, here()).await, [marked]);
    }
    alice.ok(&text("cy", "we meet here as well", 0)).await;
    let both = ["南[京]市长江大桥", "Shall we meet in 北[京] tomorrow?"];
    assert_eq!(finds(&mut bob, "京", here()).await, both, "the newest first");
    assert_eq!(finds(&mut alice, "we", here()).await, ["Shall [we] meet in 北京 tomorrow?"]);
    assert_eq!(finds(&mut alice, "\"meet in\"", here()).await.len(), 1);
    assert_eq!(finds(&mut alice, "\"in meet\"", here()).await, [""; 0]);
    let refused = alice.refused(&search("?!", here())).await;
    assert_eq!(refused, (422, "invalid".to_owned()));

    let edit = json!({
        "conversation": direct, "seq": 1, "cid": id(), "body": { "text": "Rather in 上海" },
    });
    alice.ok(&frame("recall", edit)).await;
    assert_eq!(finds(&mut bob, "上海", here()).await, ["Rather in [上海]"]);
    assert_eq!(finds(&mut bob, "tomorrow", here()).await, [""; 0]);
    alice.ok(&frame("recall", json!({ "conversation": direct, "seq": 1, "cid": id() }))).await;
    assert_eq!(finds(&mut bob, "上海", here()).await, [""; 0]);
    town.stop().await;
}

#[tokio::test]
async fn cross_conversation_search_with_permission() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    let mut eve = town.client("eve", "desk").await;
    let club = found(&mut alice, &["bob", "cy"]).await;
    alice.ok(&group("rename", json!({ "conversation": club, "title": "Tea 茶" }))).await;
    alice.ok(&text("bob", "tea at five", 0)).await;
    alice.ok(&text("cy", "no tea for bob", 0)).await;
    alice.ok(&say(&club, "tea for all", 2)).await;

    let all = || json!({});
    let mine = ["[tea] for all", "no [tea] for bob", "[tea] at five"];
    assert_eq!(finds(&mut alice, "tea", all()).await, mine);
    assert_eq!(finds(&mut bob, "tea", all()).await, ["[tea] for all", "[tea] at five"]);
    assert_eq!(finds(&mut eve, "tea", all()).await, [""; 0]);
    // A group is found by its title, by who is in it.
    let titles = |page: Value| page["conversations"].clone();
    let title = json!([{ "conversation": club, "title": "Tea 茶", "spans": [[4, 5]] }]);
    assert_eq!(titles(bob.ok(&search("茶", all())).await), title);
    assert_eq!(titles(eve.ok(&search("茶", all())).await), Value::Null);

    let refused = eve.refused(&search("tea", json!({ "conversation": club }))).await;
    assert_eq!(refused, (403, "forbidden".to_owned()));
    alice.ok(&group("remove", json!({ "conversation": club, "user": "bob" }))).await;
    assert_eq!(finds(&mut bob, "tea", all()).await, ["[tea] at five"]);
    assert_eq!(titles(bob.ok(&search("茶", all())).await), Value::Null);
    let refused = bob.refused(&search("tea", json!({ "conversation": club }))).await;
    assert_eq!(refused, (403, "forbidden".to_owned()));
    town.stop().await;
}

#[tokio::test]
async fn multi_field_search() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    let direct = json!("d~alice~bob");
    let at = alice.ok(&text("bob", "the plan", 0)).await["at"].as_u64().unwrap();
    let mut file = text("bob", "", 1);
    file["kind"] = json!("file");
    file["body"] = json!({ "url": "https://a.example/x", "name": "plan.pdf", "title": "Plan B" });
    alice.ok(&file).await;
    let last = bob.ok(&text("alice", "your plan", 2)).await["at"].as_u64().unwrap();

    let file = "[Plan] B\n[plan].pdf";
    let cases = [
        (json!({}), vec!["your [plan]", file, "the [plan]"]),
        (json!({ "from": "alice" }), vec![file, "the [plan]"]),
        (json!({ "kind": "file" }), vec![file]),
        (json!({ "kind": "text", "from": "bob" }), vec!["your [plan]"]),
        (json!({ "kind": "file", "from": "bob" }), vec![]),
        (json!({ "since": last + 1 }), vec![]),
        (json!({ "until": at }), vec![]),
        (json!({ "since": at, "until": last + 1 }), vec!["your [plan]", file, "the [plan]"]),
    ];
    for (mut fields, expected) in cases {
        assert_eq!(finds(&mut bob, "plan", fields.clone()).await, expected, "{fields}");
        fields["conversation"] = direct.clone();
        assert_eq!(finds(&mut alice, "plan", fields.clone()).await, expected, "{fields}");
    }
    assert_eq!(finds(&mut bob, "example", json!({})).await, [""; 0], "a URL is not searched");
    town.stop().await;
}

#[tokio::test]
async fn search_paging() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    let direct = json!("d~alice~bob");
    for base in 0..90 {
        let words = if base % 2 == 0 { "tea" } else { "coffee" };
        alice.ok(&text("bob", words, base)).await;
    }
    alice.ok(&text("cy", "tea", 0)).await;
    let odd: Vec<_> = (1..91).step_by(2).rev().map(|seq| (direct.clone(), json!(seq))).collect();
    for limit in [1, 7, 45, 100] {
        let fields = json!({ "conversation": direct, "limit": limit });
        assert_eq!(walk(&mut bob, "tea", &fields).await, odd, "{limit} a page");
        let all = walk(&mut alice, "tea", &json!({ "limit": limit })).await;
        assert_eq!(all[0], (json!("d~alice~cy"), json!(1)), "{limit} a page");
        assert_eq!(all[1..], odd, "{limit} a page");
    }

    // What comes or goes meanwhile moves nothing else.
    let fields = json!({ "conversation": direct, "limit": 10 });
    let first = bob.ok(&search("tea", fields.clone())).await;
    alice.ok(&text("bob", "more tea", 90)).await;
    alice.ok(&frame("recall", json!({ "conversation": direct, "seq": 1, "cid": id() }))).await;
    let mut next = search("tea", fields.clone());
    next["page"] = first["page"].clone();
    let second = bob.ok(&next).await;
    let seqs = |page: &Value| -> Vec<u64> {
        let hits = page["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(&first), (71..=89).rev().step_by(2).collect::<Vec<_>>());
    assert_eq!(seqs(&second), (51..=69).rev().step_by(2).collect::<Vec<_>>());

    // It is nobody else's page, and of no other search.
    next["id"] = json!(id());
    assert_eq!(alice.refused(&next).await, (422, "invalid".to_owned()));
    next["query"] = json!("coffee");
    assert_eq!(bob.refused(&next).await, (422, "invalid".to_owned()));
    town.stop().await;
}

/// There is none: with the stream stopped, and with the index gone, what was acknowledged is found.
#[tokio::test]
async fn index_lag_declared() {
    let town = Town::with(|settings| settings.deployment.streams.clear()).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    for base in 0..140 {
        let words = format!("message number n{base}");
        alice.ok(&text("bob", &words, base)).await;
        if base % 20 == 0 {
            let expected = [format!("message number [n{base}]")];
            assert_eq!(finds(&mut bob, &format!("n{base} "), json!({})).await, expected);
        }
    }
    let oldest = ["message number [n2]"];
    assert_eq!(finds(&mut bob, "n2 ", json!({})).await, oldest);
    let store = town.store();
    let conversation = timeline::ConversationId::parse("d~alice~bob").unwrap();
    let keys: Vec<_> = (0..2)
        .map(|number| store::BlockKey {
            conversation: conversation.clone(),
            analyzer: search_index::ANALYZER,
            level: 0,
            bucket: 0,
            number,
        })
        .collect();
    let kept = store::Blocks::read_blocks(&store, &keys).await.unwrap();
    assert!(kept[0].is_some(), "who misses a block builds it");
    // Bytes that are no block are a block that is missing.
    let rot: Vec<_> = keys.iter().map(|key| (key.clone(), vec![0; 40])).collect();
    store::Blocks::write_blocks(&store, &rot).await.unwrap();
    assert_eq!(finds(&mut bob, "n2 ", json!({})).await, oldest);
    let healed = store::Blocks::read_blocks(&store, &keys).await.unwrap();
    assert_eq!(healed[0], kept[0]);
    town.stop().await;
}
