//! What is found: by whom, of what it says now, and how far one request goes.

use std::sync::atomic::Ordering;

use chat::{Error, SearchBounds};
use timeline::search::{Filters, SearchPage};
use timeline::{ConversationId, Kind, Timestamp, Title, Visibility, limits};

use crate::club::{club, desk, leave, remove};
use crate::library::{Asked, Library, from, marked, spots};
use crate::town::{Town, direct, message, person, text};

/// Alice and bob, who have said one thing to each other.
fn pair() -> (Library, ConversationId) {
    let town = Town::new();
    town.send(&desk("alice"), text("bob", 1 << 41, Some(0)));
    (Library::new(town), direct("alice", "bob"))
}

/// The club of alice, bob and cy.
fn clubbed() -> Library {
    let town = Town::new();
    town.found(&["bob", "cy"]);
    Library::new(town)
}

#[test]
fn what_was_said_just_now_is_found() {
    let (mut library, id) = pair();
    library.text(&id, "alice", "Shall we meet in 北京 tomorrow?");
    library.text(&id, "bob", "南京市长江大桥");
    assert_eq!(library.found("bob", &id, "meet "), ["2: Shall we [meet] in 北京 tomorrow?"]);
    assert_eq!(library.found("bob", &id, "tomo"), ["2: Shall we meet in 北京 [tomo]rrow?"]);
    assert_eq!(
        library.found("alice", &id, "京"),
        ["3: 南[京]市长江大桥", "2: Shall we meet in 北[京] tomorrow?"]
    );
    assert_eq!(library.found("alice", &id, "长江大").len(), 1);
    assert_eq!(library.found("alice", &id, "\"meet tomorrow\""), [""; 0]);
    assert_eq!(library.shelf.len(), 0, "64 messages are not there yet");
}

#[test]
fn an_edited_message_is_found_by_what_it_says_now() {
    for indexed_before in [false, true] {
        let (mut library, id) = pair();
        library.text(&id, "alice", "the old words");
        if indexed_before {
            (0..200).for_each(|_| _ = library.text(&id, "bob", "noise"));
            library.index_all(&id);
        }
        library.edit(&id, "alice", 2, "the new words");
        (0..200).for_each(|_| _ = library.text(&id, "bob", "more noise"));
        if indexed_before {
            library.index_all(&id);
        }
        assert_eq!(library.found("bob", &id, "new "), ["2: the [new] words"]);
        assert_eq!(library.found("bob", &id, "old "), [""; 0]);
        library.edit(&id, "alice", 2, "the last words");
        assert_eq!(library.found("bob", &id, "new "), [""; 0]);
        assert_eq!(library.found("bob", &id, "last "), ["2: the [last] words"]);
        library.recall(&id, "alice", 2, None).unwrap();
        assert_eq!(library.found("bob", &id, "words "), [""; 0]);
    }
}

#[test]
fn a_filter_holds_for_the_message_and_not_for_the_edit() {
    let (mut library, id) = pair();
    let at = library.say(&id, "alice", "image", r#"{"url":"https://a.example","name":"plan.png"}"#);
    let taken = library.town.dial_now();
    (0..150).for_each(|_| _ = library.text(&id, "bob", "plan B"));
    library.index_all(&id);
    library.town.wait(1_000);
    let new = r#"{"url":"https://a.example","name":"Plan A","title":"蓝图"}"#;
    library.recall(&id, "alice", at, Some(new)).unwrap();
    (0..150).for_each(|_| _ = library.text(&id, "bob", "plan C"));
    let search = |filters: Filters| {
        let asked = Asked { filters, ..Asked::of(&id, "plan 蓝图") };
        library.walk("bob", &asked).unwrap().iter().map(marked).collect::<Vec<_>>()
    };
    let found = ["[蓝图]\n[Plan] A"];
    let none = Filters::default();
    assert_eq!(search(none.clone()), found);
    assert_eq!(search(Filters { from: from("alice"), ..none.clone() }), found);
    assert_eq!(search(Filters { from: from("bob"), ..none.clone() }), [""; 0]);
    assert_eq!(search(Filters { kind: Kind::parse("image").ok(), ..none.clone() }), found);
    assert_eq!(search(Filters { kind: Some(Kind::text()), ..none.clone() }), [""; 0]);
    assert_eq!(search(Filters { since: Some(taken), ..none.clone() }), found);
    assert_eq!(search(Filters { since: Some(taken.plus(1)), ..none.clone() }), [""; 0]);
    assert_eq!(search(Filters { until: Some(taken.plus(1)), ..none.clone() }), found);
    assert_eq!(search(Filters { until: Some(taken), ..none }), [""; 0]);
}

#[test]
fn a_block_names_messages_of_a_kind_and_edits() {
    let (mut library, id) = pair();
    let image = |name: &str| format!("{{\"name\":{name:?}}}");
    let at = library.say(&id, "alice", "image", &image("old"));
    (0..60).for_each(|_| _ = library.text(&id, "bob", "noise"));
    library.index_all(&id);
    (0..10).for_each(|_| _ = library.text(&id, "bob", "plan"));
    library.recall(&id, "alice", at, Some(&image("plan A"))).unwrap();
    library.say(&id, "bob", "image", &image("plan B"));
    (0..150).for_each(|_| _ = library.text(&id, "bob", "noise"));
    library.index_all(&id);
    let filters = Filters { kind: Kind::parse("image").ok(), ..Filters::default() };
    let found = library.walk("bob", &Asked { filters, ..Asked::of(&id, "plan") }).unwrap();
    assert_eq!(found.iter().map(marked).collect::<Vec<_>>(), ["[plan] B", "[plan] A"]);
}

#[test]
fn who_may_not_see_a_conversation_finds_nothing_of_it() {
    let mut library = clubbed();
    let id = club();
    library.text(&id, "alice", "the secret");
    assert_eq!(library.found("bob", &id, "secret"), ["2: the [secret]"]);
    let stranger = |user: &str| library.walk(user, &Asked::of(&club(), "secret")).err();
    assert!(matches!(stranger("eve"), Some(Error::NotMember)));
    library.town.group("alice", remove("bob")).unwrap();
    assert!(matches!(stranger("bob"), Some(Error::NotMember)));
    library.town.group("cy", leave()).unwrap();
    for user in ["eve", "bob", "cy"] {
        assert_eq!(library.walk(user, &Asked::all("secret")).unwrap(), [], "{user}");
    }
    // Nor is anyone in other people's direct conversation, whether it exists or not.
    for id in [direct("alice", "dan"), direct("alice", "cy")] {
        let found = library.walk("eve", &Asked::of(&id, "secret"));
        assert!(matches!(found, Err(Error::NotMember)));
    }
}

#[test]
fn a_page_is_authorized_like_the_first() {
    let mut library = clubbed();
    (0..30).for_each(|_| _ = library.text(&club(), "alice", "the secret"));
    let asked = Asked { limit: 10, ..Asked::of(&club(), "secret") };
    let page = library.search("bob", &asked, None).unwrap().page.unwrap();
    let all = Asked { limit: 10, ..Asked::all("secret") };
    let page_of_all = library.search("bob", &all, None).unwrap().page.unwrap();
    library.town.group("alice", remove("bob")).unwrap();
    let refused = library.search("bob", &asked, Some(page)).err();
    assert!(matches!(refused, Some(Error::NotMember)));
    assert_eq!(library.search("bob", &all, Some(page_of_all)).unwrap(), Default::default());
}

#[test]
fn what_was_before_one_joined_is_not_found() {
    let mut library = Library::new(Town::new());
    let create = timeline::group::GroupRequest::Create {
        id: message(1 << 40),
        title: Title::parse("late comers").unwrap(),
        members: vec![person("bob")],
        visibility: Visibility::FromJoin,
        admission: timeline::Admission::Closed,
        body: timeline::Body::empty(),
    };
    library.town.group("alice", create).unwrap();
    (0..100).for_each(|_| _ = library.text(&club(), "alice", "early tea"));
    library.index_all(&club());
    library.town.group("alice", crate::club::add(&["cy"])).unwrap();
    (0..100).for_each(|_| _ = library.text(&club(), "alice", "late tea"));
    assert_eq!(library.found("cy", &club(), "tea ").len(), 100);
    assert_eq!(library.found("cy", &club(), "early"), [""; 0]);
    assert_eq!(library.found("bob", &club(), "tea ").len(), 200);
}

#[test]
fn a_conversation_is_found_by_its_title() {
    let (mut library, _) = pair();
    library.town.found(&["bob"]);
    library.town.group("alice", crate::club::rename("Tea time 茶")).unwrap();
    let titles = |user: &str, asked: &Asked, page| {
        let found = library.search(user, asked, page).unwrap();
        found.titles.into_iter().map(|hit| (hit.title.as_str().to_owned(), hit.spans.len()))
    };
    let expected = [("Tea time 茶".to_owned(), 2)];
    assert!(titles("bob", &Asked::all("茶 tea"), None).eq(expected));
    assert!(titles("bob", &Asked::all("coffee"), None).eq([]));
    assert!(titles("bob", &Asked::of(&club(), "tea"), None).eq([]));
    assert!(titles("eve", &Asked::all("tea"), None).eq([]));
    let filters = Filters { from: from("alice"), ..Filters::default() };
    assert!(titles("bob", &Asked { filters, ..Asked::all("tea") }, None).eq([]));
    // On the first page alone.
    (0..9).for_each(|_| _ = library.text(&club(), "alice", "tea"));
    let asked = Asked { limit: 5, ..Asked::all("tea") };
    let first = library.search("bob", &asked, None).unwrap();
    assert_eq!((first.titles.len(), first.hits.len()), (1, 5));
    let second = library.search("bob", &asked, first.page).unwrap();
    assert_eq!((second.titles.len(), second.hits.len(), second.page), (0, 4, None));
}

#[test]
fn conversations_are_one_list_the_newest_first() {
    let (mut library, bobs) = pair();
    library.town.send(&desk("alice"), text("cy", 1 << 42, Some(0)));
    let cys = direct("alice", "cy");
    for (id, words) in [(&bobs, "tea 1"), (&cys, "tea 2"), (&cys, "tea 3"), (&bobs, "tea 4")] {
        library.town.wait(10);
        library.text(id, "alice", words);
    }
    for limit in 1..=4 {
        let hits = library.walk("alice", &Asked { limit, ..Asked::all("tea") }).unwrap();
        let texts: Vec<_> = hits.iter().map(|hit| hit.text.as_str()).collect();
        assert_eq!(texts, ["tea 4", "tea 3", "tea 2", "tea 1"], "{limit} a page");
    }
    assert_eq!(library.walk("bob", &Asked::all("tea")).unwrap().len(), 2);
}

#[test]
fn a_query_that_cannot_be_searched_is_refused() {
    let (library, id) = pair();
    let refused = |query: &str| match library.search("alice", &Asked::of(&id, query), None) {
        Err(Error::Query(invalid)) => invalid.to_string(),
        other => panic!("{query:?}: {other:?}"),
    };
    assert_eq!(refused(" ?! "), "a query has a word, a letter or an emoji");
    assert_eq!(refused("te* "), "a beginning has at least 3 letters");
    assert_eq!(refused(&"x".repeat(257)), "a query is at most 256 characters");
}

#[test]
fn a_page_of_another_search_is_refused() {
    let (mut library, id) = pair();
    (0..30).for_each(|_| _ = library.text(&id, "alice", "tea"));
    let asked = Asked::of(&id, "tea");
    let page = library.search("alice", &asked, None).unwrap().page.unwrap();
    let refused = |user: &str, asked: &Asked, page: SearchPage| {
        matches!(library.search(user, asked, Some(page)), Err(Error::Invalid { .. }))
    };
    assert!(refused("bob", &asked, page.clone()));
    assert!(refused("alice", &Asked::of(&id, "tea "), page.clone()));
    assert!(refused("alice", &Asked::all("tea"), page.clone()));
    assert!(refused("alice", &asked, SearchPage::new(vec![1; 40])));
    assert!(!refused("alice", &Asked { limit: 3, ..asked }, page));
}

#[test]
fn a_full_page_reads_no_old_block() {
    let (mut library, id) = pair();
    for number in 0..1_200 {
        library.text(&id, "alice", &format!("tea {number}"));
    }
    library.index_all(&id);
    library.shelf.reads();
    let found = |asked: &Asked| library.search("bob", asked, None).unwrap().hits.len();
    assert_eq!(found(&Asked::of(&id, "tea")), 20);
    assert_eq!(library.shelf.reads(), 0, "the newest messages are read as they are");
    assert_eq!(found(&Asked { limit: 100, ..Asked::of(&id, "tea") }), 100);
    assert!(library.shelf.reads() <= 2);
    // A rare word is looked up in the largest blocks.
    assert_eq!(found(&Asked::of(&id, "\"tea 7\"")), 1);
    let blocks = 2 + 1_200 % 512 / 64;
    assert!(library.shelf.reads() <= 2 * blocks, "two words in each block");
}

#[test]
fn blocks_that_are_missing_are_built_by_who_misses_them() {
    let (mut library, id) = pair();
    (0..1_200).for_each(|_| _ = library.text(&id, "alice", "noise"));
    library.edit(&id, "alice", 3, "tea");
    library.shelf.refuses.store(true, Ordering::Relaxed);
    assert_eq!(library.found("bob", &id, "tea"), ["3: [tea]"]);
    assert_eq!(library.shelf.len(), 0);
    library.shelf.refuses.store(false, Ordering::Relaxed);
    assert_eq!(library.found("bob", &id, "tea"), ["3: [tea]"]);
    assert_eq!((library.shelf.of_level(0), library.shelf.of_level(1)), (18, 2 * 4));
    library.shelf.reads();
    assert_eq!(library.found("bob", &id, "tea"), ["3: [tea]"]);
    assert!(library.shelf.reads() <= 2 + 2 + 2, "each block once");
}

#[test]
fn one_request_does_so_much_and_no_more() {
    let (mut library, id) = pair();
    for number in 0..1_000 {
        library.text(&id, "alice", if number == 5 { "tea" } else { "tea time" });
    }
    // Only one of these messages is it, and all of them are candidates.
    let asked = Asked::of(&id, "\"tea\" -time");
    let one = Asked::of(&id, "\"time tea\"");
    assert_eq!(library.walk("bob", &one).unwrap(), []);
    library.bounds = SearchBounds { candidates: 50, leaves: 2, ..SearchBounds::default() };
    library.shelf.wipe();
    let mut pages = 0;
    let mut page = None;
    loop {
        let found = library.search("bob", &one, page).unwrap();
        pages += 1;
        assert_eq!(found.hits, []);
        page = found.page;
        if page.is_none() {
            break;
        }
    }
    assert!((1_000 / 128..=1_000 / 32).contains(&pages), "{pages} pages");
    assert_eq!(library.walk("bob", &asked).unwrap().len(), 999);
    let conversations = 1;
    library.bounds = SearchBounds { conversations, ..SearchBounds::default() };
    library.town.send(&desk("bob"), text("cy", 1 << 42, Some(0)));
    library.town.wait(10);
    library.text(&direct("bob", "cy"), "cy", "tea");
    let found = library.search("bob", &Asked { limit: 100, ..Asked::all("tea") }, None).unwrap();
    assert!(found.page.is_some() && found.hits.len() == 1, "{}", found.hits.len());
    let all = Asked { limit: 100, ..Asked::all("tea") };
    assert_eq!(library.walk("bob", &all).unwrap().len(), 1_001);
}

#[test]
fn times_say_what_need_not_be_read() {
    let (mut library, id) = pair();
    let start = library.town.dial_now();
    for _ in 0..4_000 {
        library.town.wait(60_000);
        library.text(&id, "alice", "tea");
    }
    library.index_all(&id);
    // What two hours and a half had, and the hour before and after it by which times may differ.
    library.bounds = SearchBounds { candidates: 300, ..SearchBounds::default() };
    let minutes = |minutes: u64| Some(start.plus(minutes * 60_000));
    let filters = Filters { since: minutes(2_000), until: minutes(2_150), ..Filters::default() };
    let asked = Asked { filters, limit: 100, ..Asked::of(&id, "tea") };
    let first = library.search("bob", &asked, None).unwrap();
    assert_eq!((first.hits.len(), first.hits[0].seq), (100, crate::town::seq(2_150)));
    let second = library.search("bob", &asked, first.page).unwrap();
    assert_eq!((second.hits.len(), second.page), (50, None));
}

/// Clocks differ, and a message may be kept after one that was taken later.
#[test]
fn times_that_are_out_of_order_lose_nothing() {
    let (mut library, id) = pair();
    let noon = library.town.dial_now().plus(limits::DAY_MS);
    let minutes = |count: u64| count * 60_000;
    let say = |library: &mut Library, count: u64, words: &str, at: Timestamp| {
        for _ in 0..count {
            let number = library.next();
            let body = format!("{{\"text\":{words:?}}}");
            library.say_at(&id, "alice", Kind::TEXT, &body, (number, at));
        }
    };
    let late = noon.plus(minutes(30));
    let early = Timestamp(noon.0 - minutes(25));
    say(&mut library, 200, "noise tea", late);
    say(&mut library, 1, "tea", noon);
    say(&mut library, 200, "noise tea", early);
    say(&mut library, 1, "tea", Timestamp(noon.0 - minutes(20)));
    say(&mut library, 200, "noise tea", late);
    let found = |filters: Filters| {
        let asked = Asked { filters, ..Asked::of(&id, "tea") };
        library.walk("bob", &asked).unwrap().iter().map(|hit| hit.seq.number()).collect::<Vec<_>>()
    };
    let since = Some(Timestamp(noon.0 - minutes(10)));
    let until = Some(noon.plus(1));
    assert_eq!(found(Filters { since, until, ..Filters::default() }), [202]);
    let since = Some(Timestamp(noon.0 - minutes(22)));
    let until = Some(Timestamp(noon.0 - minutes(12)));
    assert_eq!(found(Filters { since, until, ..Filters::default() }), [403]);
}

#[test]
fn a_request_comes_further_however_little_it_may_do() {
    let (mut library, id) = pair();
    // The newest 64 begin where a block of 512 ends, so that is what is read first.
    (0..1_085).for_each(|_| _ = library.text(&id, "alice", "noise"));
    library.edit(&id, "alice", 3, "tea");
    library.shelf.refuses.store(true, Ordering::Relaxed);
    let (conversations, buckets, candidates, leaves) = (1, 1, 1, 1);
    let disorder_ms = limits::DISORDER_MS_MAX;
    library.bounds = SearchBounds { conversations, buckets, candidates, leaves, disorder_ms };
    assert_eq!(library.tail(&id) + 1 - 64, 1_024);
    assert_eq!(library.found("bob", &id, "tea"), ["3: [tea]"]);
}

#[test]
fn a_page_carries_the_longest_texts() {
    let (mut library, id) = pair();
    let words = format!("tea {}", "x".repeat(8_100));
    (0..10).for_each(|_| _ = library.text(&id, "alice", &words));
    let asked = Asked { limit: 100, ..Asked::of(&id, "tea") };
    let first = library.search("bob", &asked, None).unwrap();
    assert_eq!((first.hits.len(), first.page.is_some()), (3, true));
    let hits = library.walk("bob", &asked).unwrap();
    assert_eq!(hits.len(), 10);
    let many = "tea ".repeat(100);
    library.text(&id, "alice", &many);
    let first = library.search("bob", &asked, None).unwrap();
    assert_eq!(first.hits[0].spans.len(), limits::SPANS_MAX);
    assert_eq!(spots(&first.hits)[0], (id, 12));
}
